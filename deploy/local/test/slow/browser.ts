import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium as engine, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { chromium, unpackDebian } from '../../src/debian-package.js'
import { cacheDir } from '../../src/places.js'
import { which } from '../../src/which.js'

/** No sandbox of its own where root runs it, and no call to anybody. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Chromium from the machine, else out of the distribution's packages. */
export async function openBrowser(t: Test): Promise<Browser> {
  const installed = which('chromium')
  const program =
    installed === undefined ? await unpackDebian(chromium, cacheDir(t.testdirName)) : { command: installed, env: {} }
  if (program === undefined)
    throw new Error('there is no Chromium here: `apt install chromium`, or a Debian whose packages can be had')
  const env = Object.fromEntries(
    Object.entries({ ...process.env, ...program.env }).map(([name, value]) => [name, value ?? '']),
  )
  const browser = await engine.launch({ executablePath: program.command, args, env })
  t.teardown(() => browser.close())
  return browser
}

export const desktop = { viewport: { width: 1280, height: 800 } } as const satisfies BrowserContextOptions
export const phone = {
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
} as const satisfies BrowserContextOptions

interface Visit {
  readonly page: Page
  /** What a page must never do: ask anybody else, break its own policy, fall over. */
  readonly troubles: string[]
}

/** Somebody's browser, with nothing in it yet. */
export async function visit(
  t: Test,
  browser: Browser,
  url: string,
  options: BrowserContextOptions = desktop,
): Promise<Visit> {
  const context = await browser.newContext({ baseURL: url, locale: 'en-IN', ...options })
  t.teardown(() => context.close())
  context.setDefaultTimeout(8_000)
  const troubles: string[] = []
  const watch = (page: Page) => {
    page.on('pageerror', (error) => troubles.push(`error: ${error.message}`))
    page.on('console', (message) => {
      const text = message.text()
      // A refusal of the API is no trouble.
      if (message.type() === 'error' && !text.startsWith('Failed to load resource')) troubles.push(text)
    })
  }
  context.on('page', watch)
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== url) troubles.push(`asks ${request.url()}`)
  })
  return { page: await context.newPage(), troubles }
}

/** What axe has to say by WCAG 2.2 AA and good practice, a line a finding. */
export async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  // What came with WCAG 2.2 it leaves out unless it is told.
  return page.evaluate<string[]>(`axe.run({ rules: { 'target-size': { enabled: true } } }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`)
}
