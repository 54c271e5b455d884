import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from '@latchkey/local/places'
import { startTethered } from '@latchkey/local/tether'
import { request } from 'undici'

export interface Child {
  readonly pid: number
  stop(): Promise<void>
}

interface ChildOptions {
  readonly file: string
  /** Where its log goes. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly url: string
  /** The path that answers once it can work. */
  readonly ready: string
}

/** Runs a Node program that cannot outlive this one, in production mode, and waits until it answers. */
export async function startChild(name: string, { file, folder, env, url, ready }: ChildOptions): Promise<Child> {
  const log = join(folder, `${name}.log`)
  const output = openSync(log, 'a')
  const child = await startTethered({
    command: process.execPath,
    args: [file],
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', ...env },
    output,
    ifOrphaned: 'SIGKILL',
  })
  closeSync(output)
  let gone = false
  void child.ended.then(() => (gone = true))
  const end = performance.now() + 60_000
  while (!(await answers(`${url}${ready}`))) {
    if (gone || performance.now() > end) {
      await child.stop('SIGKILL', 0)
      throw new Error(`${name} did not start: ${readFileSync(log, 'utf8').slice(-2_000)}`)
    }
    await sleep(50)
  }
  return { pid: child.pid, stop: () => child.stop('SIGTERM', 3_000) }
}

async function answers(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: 2_000, reset: true })
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  }
}
