import { setTimeout as sleep } from 'node:timers/promises'
import { root } from '@latchkey/local/places'
import { pickPort } from '@latchkey/local/ports'
import { request } from 'undici'
import { type Child, startChild } from './child.js'

/** One message that the carrier took. */
export interface Accept {
  readonly sid: string
  readonly to: string
  readonly body: string
  /** RFC 3339. */
  readonly at: string
}

/** How the carrier of all contenders behaves. */
export interface Weather {
  readonly seed: number
  /** What 99 % come within. */
  readonly p99Ms?: number
  readonly stallShare?: number
  readonly stallMs?: number
}

export interface Carrier {
  /** What a contender is told of it. */
  readonly env: Readonly<Record<string, string>>
  /** Takes as long as carriers do: median 250 ms, 99 % within 1.2 s. The same seed is the same sequence. */
  slow(weather: Weather): Promise<void>
  /** Answers at once. */
  quick(): Promise<void>
  /** Resets every connection until it is told to come up again. */
  down(): Promise<void>
  up(): Promise<void>
  ledger(): Promise<readonly Accept[]>
  forget(): Promise<void>
  /** The newest code for each of these numbers, once all have one. */
  codes(phones: readonly string[], withinMs?: number): Promise<ReadonlyMap<string, string>>
  stop(): Promise<void>
}

const account = { TWILIO_ACCOUNT_SID: `AC${'be'.repeat(16)}`, TWILIO_AUTH_TOKEN: 'stand-in-token-of-the-bench' }

/** The stand-in for Twilio as a process of its own, for all contenders. */
export async function startCarrier(folder: string): Promise<Carrier> {
  const port = await pickPort()
  const url = `http://127.0.0.1:${port}`
  const file = `${root}/deploy/twilio-stand-in/dist/src/main.js`
  const child: Child = await startChild('carrier', {
    file,
    folder,
    env: { ...account, PORT: String(port) },
    url,
    ready: '/ledger',
  })

  async function control(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> {
    const answer = await request(`${url}${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })
    return answer.body.json()
  }
  const ledger = async () => (await control('GET', '/ledger')) as readonly Accept[]
  return {
    env: { ...account, TWILIO_PHONE_NUMBER: '+15005550006', TWILIO_API_BASE_URL: url },
    slow: async (weather) => void (await control('POST', '/latency', { medianMs: 250, p99Ms: 1_200, ...weather })),
    quick: async () => void (await control('DELETE', '/latency')),
    down: async () => void (await control('POST', '/faults', { to: '*', fault: 'reset-before' })),
    up: async () => void (await control('DELETE', '/faults')),
    ledger,
    forget: async () => void (await control('DELETE', '/ledger')),
    async codes(phones, withinMs = 120_000) {
      const end = performance.now() + withinMs
      for (;;) {
        const codes = new Map((await ledger()).map(({ to, body }) => [to, codeIn(body)]))
        const missing = phones.filter((phone) => !codes.has(phone))
        if (missing.length === 0) return codes
        if (performance.now() > end) throw new Error(`${missing.length} of ${phones.length} codes did not come`)
        await sleep(200)
      }
    },
    stop: child.stop,
  }
}

/** The code in a message. */
export const codeIn = (body: string): string => /\d{6}/.exec(body)?.[0] ?? ''
