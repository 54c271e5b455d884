import { randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { E164 } from '@latchkey/contracts/phone'
import { eventually, startProcess } from '@latchkey/kit/testing'
import type { Test } from 'tap'

export const accountSid = `AC${'1'.repeat(32)}`
export const authToken = 'the-token-of-the-tests'
export const ourNumber = '+15005550006'

export const customerId = 'C-0123456789ABCDE'
export const password = 'the-password-of-the-tests'
export const email = 'sms@example.com'
export const senderId = 'ACMEIN'

const program = (carrier: string) =>
  fileURLToPath(new URL(`../../../../deploy/${carrier}-stand-in/dist/src/main.js`, import.meta.url))

export interface LedgerEntry {
  readonly sid: string
  readonly to: string
  readonly body: string
  readonly from: string
  readonly validityPeriod: number
  readonly statusCallback: string | null
}

export interface StandIn {
  readonly url: string
  /** Orders a fault for one number; see the stand-in for its kinds. */
  order(fault: {
    to: string
    fault?: string
    on?: 'send' | 'list' | 'token'
    ms?: number
    times?: number
    code?: number
    prefix?: string
  }): Promise<void>
  withdraw(to: string): Promise<void>
  ledger(to: string): Promise<LedgerEntry[]>
  /** How many tokens MessageCentral made. */
  tokens(): Promise<number>
  /** Every token it made is dead from now on. */
  killTokens(): Promise<void>
}

/** A number nobody else in this run uses. */
export const somebody = (): E164 => `+9198${randomInt(10_000_000, 99_999_999)}` as E164

/** A process that speaks a carrier's API, for as long as the test runs. */
export async function startStandIn(t: Test, carrier: 'twilio' | 'messagecentral' = 'twilio'): Promise<StandIn> {
  const { child, output, ended } = startProcess(program(carrier), {
    PORT: '0',
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: authToken,
    MESSAGECENTRAL_CUSTOMER_ID: customerId,
    MESSAGECENTRAL_PASSWORD: password,
    MESSAGECENTRAL_EMAIL: email,
    MESSAGECENTRAL_AUTH_TOKEN: authToken,
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const url = await eventually('the stand-in', async () => /ready (\S+)/.exec(output())?.[1])
  const ask = async (path: string) => (await fetch(`${url}${path}`)).json()
  return {
    url,
    order: async (fault) => void (await fetch(`${url}/faults`, { method: 'POST', body: JSON.stringify(fault) })),
    withdraw: async (to) => void (await fetch(`${url}/faults?to=${encodeURIComponent(to)}`, { method: 'DELETE' })),
    ledger: async (to) => (await ask(`/ledger?to=${encodeURIComponent(to)}`)) as LedgerEntry[],
    tokens: async () => ((await ask('/tokens')) as { issued: number }).issued,
    killTokens: async () => void (await fetch(`${url}/tokens`, { method: 'DELETE' })),
  }
}
