import { randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { E164 } from '@latchkey/contracts/phone'
import { eventually, startProcess } from '@latchkey/kit/testing'
import type { Test } from 'tap'

export const accountSid = `AC${'1'.repeat(32)}`
export const authToken = 'the-token-of-the-tests'
export const ourNumber = '+15005550006'

const program = fileURLToPath(new URL('../../../../deploy/twilio-stand-in/dist/src/main.js', import.meta.url))

export interface LedgerEntry {
  readonly sid: string
  readonly to: string
  readonly body: string
  readonly validityPeriod: number
  readonly statusCallback: string | null
}

export interface StandIn {
  readonly url: string
  /** Orders a fault for one number; see the stand-in for its kinds. */
  order(fault: {
    to: string
    fault?: string
    on?: 'send' | 'list'
    ms?: number
    times?: number
    code?: number
    prefix?: string
  }): Promise<void>
  withdraw(to: string): Promise<void>
  ledger(to: string): Promise<LedgerEntry[]>
}

/** A number nobody else in this run uses. */
export const somebody = (): E164 => `+9198${randomInt(10_000_000, 99_999_999)}` as E164

/** A process that speaks Twilio's API, for as long as the test runs. */
export async function startStandIn(t: Test): Promise<StandIn> {
  const { child, output, ended } = startProcess(program, {
    PORT: '0',
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: authToken,
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const url = await eventually('the stand-in', async () => /ready (\S+)/.exec(output())?.[1])
  return {
    url,
    order: async (fault) => void (await fetch(`${url}/faults`, { method: 'POST', body: JSON.stringify(fault) })),
    withdraw: async (to) => void (await fetch(`${url}/faults?to=${encodeURIComponent(to)}`, { method: 'DELETE' })),
    ledger: async (to) => (await (await fetch(`${url}/ledger?to=${encodeURIComponent(to)}`)).json()) as LedgerEntry[],
  }
}
