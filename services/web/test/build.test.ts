import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import t from 'tap'

const web = fileURLToPath(new URL('../../', import.meta.url))
const site = join(web, 'dist/site')

interface Chunk {
  readonly file: string
  readonly imports?: readonly string[]
}
const manifest = JSON.parse(readFileSync(join(site, '.vite/manifest.json'), 'utf8')) as Record<string, Chunk>

/** Everything a browser loads to show these. */
function filesOf(names: readonly string[], seen = new Set<string>()): Set<string> {
  for (const name of names) {
    const chunk = manifest[name]
    if (chunk === undefined || seen.has(chunk.file)) continue
    seen.add(chunk.file)
    filesOf(chunk.imports ?? [], seen)
  }
  return seen
}

const page = (name: string) => readFileSync(join(site, name), 'utf8')

const gzipBytes = (files: Iterable<string>): number =>
  [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(site, file)), { level: 9 }).length, 0)

t.test(
  'the sign-in entry is at most 100 KB of script, in every language; each step after it adds 20 KB at most, and all to a new profile 32 KB',
  async (t) => {
    const parts = Object.keys(manifest)
    const entry = filesOf(parts.filter((name) => page('index.html').includes(manifest[name]?.file ?? '')))
    t.ok(entry.size > 0)
    const languages = parts.filter((name) => name.startsWith('src/messages/'))
    const steps = parts.filter((name) => /^src\/sign-in\/[\w-]+\.tsx$/.test(name))
    t.equal(languages.length, 6)
    t.ok(steps.length >= 7, 'every other step comes when it is asked for')
    const first = Math.max(...languages.map((language) => gzipBytes([...entry, ...filesOf([language])])))
    t.comment(`figures: the entry is ${first} bytes of gzip in the heaviest language`)
    t.ok(first <= 100_000, `${first} bytes`)
    const walk = [
      'sign-in/sign-up.tsx',
      'phone-format.ts',
      'sign-in/code.tsx',
      'sign-in/first-password.tsx',
      'account/account.tsx',
    ]
    const after = [...filesOf(walk.map((name) => `src/${name}`))].filter((file) => !entry.has(file))
    t.comment(`figures: from there to a new profile ${gzipBytes(after)} bytes more`)
    t.ok(after.length > walk.length && gzipBytes(after) <= 32_000, `${gzipBytes(after)} bytes to the profile`)
    for (const step of steps) {
      const shown = filesOf([step])
      // How numbers are written is loaded by the field for them.
      const typesPhones = [...shown].some((file) => file.includes('phone-'))
      const more = [...(typesPhones ? filesOf([step, 'src/phone-format.ts']) : shown)].filter(
        (file) => !entry.has(file),
      )
      t.ok(gzipBytes(more) <= 20_000, `${step}: ${gzipBytes(more)} bytes more`)
    }
  },
)

t.test('every text is there in every language, with the same blanks, and has every plural form of it', async (t) => {
  const folder = join(web, 'src/messages')
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, string>
  const english = read('en.json')
  const blanks = (text: string) => [...new Set([...text.matchAll(/\{(\w+)[,}]/g)].map(([, name]) => name))].sort()
  for (const file of readdirSync(folder)) {
    const language = file.replace('.json', '')
    const texts = read(file)
    t.strictSame(Object.keys(texts), Object.keys(english), language)
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories
    const wrong = Object.entries(texts).filter(([id, text]) => {
      const missing = forms.filter((form) => !text.includes(`${form} {`) && form !== 'zero')
      return (
        String(blanks(text)) !== String(blanks(english[id] ?? '')) || (text.includes(', plural,') && missing.length > 0)
      )
    })
    t.strictSame(wrong, [], language)
  }
})

t.test('nothing of the build names an address elsewhere or carries a style or script inline', async (t) => {
  const pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'))
  t.strictSame(pages.sort(), ['dev/inbox.html', 'index.html'])
  for (const name of pages) t.notMatch(page(name), /https?:|<style|style=|<script(?![^>]*src=)| on\w+=/i, name)
})

t.test(
  'the phone in the box shares no file with the pages: nothing of it lies where production serves files',
  async (t) => {
    const files = (folder: string) => readdirSync(join(site, folder), { recursive: true, encoding: 'utf8' })
    const sources = files('assets').filter((name) => name.endsWith('.js'))
    t.ok(sources.length > 10)
    for (const name of sources) t.notMatch(page(join('assets', name)), /\/dev\/|EventSource/, name)
    t.match(page('dev/inbox.html'), /"\/dev\/assets\/inbox-[\w-]+\.js"/)
    t.notMatch(page('dev/inbox.html'), /"\/assets\//)
    t.match(
      files('dev/assets')
        .map((name) => name.endsWith('.js') && page(join('dev/assets', name)))
        .join(''),
      /\/dev\/inbox\/events/,
    )
  },
)
