import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { E164 } from '@latchkey/contracts/phone'
import { readSmsPrices } from '@latchkey/contracts/sms-prices'
import type { GuardMode } from '@latchkey/contracts/switch-record'
import { createLog } from '@latchkey/kit/log'
import { createRedis } from '@latchkey/kit/redis'
import { createSealer } from '@latchkey/kit/seal'
import { testStores } from '@latchkey/kit/testing'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import { createConversion, type Unanswered } from '../src/abuse/conversion.js'
import { createDayBudget } from '../src/abuse/day-budget.js'
import { dearestPrices, toMicros } from '../src/abuse/dearest-prices.js'
import { createGuessBudgets } from '../src/abuse/guess-budgets.js'
import { createSmsBudget, type RuleModes, type SmsBudget } from '../src/abuse/sms-budget.js'
import type { Address, NewChallenge, Numbers } from '../src/challenges/challenge.js'
import { createChallengeKeys } from '../src/challenges/challenge-keys.js'
import { createChallengeSecrets } from '../src/challenges/challenge-secrets.js'
import { createChallengeStore, newCode } from '../src/challenges/challenge-store.js'
import { addressOfPhone } from '../src/flows/addresses.js'
import type { ChallengePolicy } from '../src/flows/policy.js'
import type { Client } from '../src/flows/ports.js'
import { createWithinBudget } from '../src/flows/within-budget.js'

export const policy: ChallengePolicy = {
  codeDigits: 6,
  codeLifeSeconds: 300,
  attempts: 5,
  resends: 4,
  cooldownsSeconds: [30, 60, 120, 300],
  resend: 'repeat',
}
/** As of a face that finds challenges by address and counts by network. */
export const facePolicy: ChallengePolicy = { ...policy, attempts: 9, attemptsPerClient: 3, cooldownsSeconds: [30] }
export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute

const key = (id: string) => ({ id, secret: randomBytes(32) })

/** No number is special. */
export const numbers: Numbers = { limited: () => true, codeFor: (_phone, digits) => newCode(digits) }

/** A number nobody else in this run has. */
export const randomPhone = (): E164 => `+9198${String(randomInt(10 ** 8)).padStart(8, '0')}` as E164

/** Somebody on a network of his own. */
export const randomClient = (): Client => ({ network: randomUUID(), key: randomUUID() })

/** Somebody else on the same network. */
export const neighbourOf = ({ network }: Client): Client => ({ network, key: randomUUID() })

type Guard = SmsBudget & { readonly said: { msg: string; rules?: string[] }[]; metrics(): Promise<string> }

/** The real store on the real Redis, with a clock of its own. */
export async function challengeHarness(t: Test, redisUrl = testStores().redisUrl) {
  const redis = createRedis(redisUrl, {
    log: createLog('test', 'fatal'),
    name: 'test',
    patience: 'request',
  })
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  t.teardown(() => redis.disconnect())
  const clock = { offsetMs: 0 }
  const keys = createChallengeKeys({ idKey: key('i'), indexKey: key('x') })
  const sealer = createSealer([key('s')])
  const guesses = createGuessBudgets({
    redis,
    keys,
    limits: {
      networkPerHour: 300,
      networkPerDay: 1_500,
      conflictsPerHour: 10,
      freePasswords: 20,
      passwordWaitsSeconds: [30, 60, 120],
    },
    clockOffsetMs: () => clock.offsetMs,
    metrics: new Registry(),
  })
  const store = createChallengeStore({
    redis,
    keys,
    secrets: createChallengeSecrets({ codeKeys: [key('c')], sealer }),
    budgets: { sendsPerHour: 6, sendsPerDay: 12, wrongPerHour: 10, wrongPerDay: 25 },
    clockOffsetMs: () => clock.offsetMs,
  })
  /** The guard against being made to send, with what it says of itself. */
  function guard({
    mode = 'enforce',
    modes = {},
    money,
    ...unanswered
  }: {
    mode?: GuardMode
    modes?: Partial<RuleModes>
    money?: { prices: string; budget: string }
  } & Partial<Unanswered> = {}): Guard {
    const stored = { redis, keys, clockOffsetMs: () => clock.offsetMs, metrics: new Registry() }
    const dayBudget =
      money &&
      createDayBudget({
        ...stored,
        prices: dearestPrices(readSmsPrices(money.prices)),
        budgetMicros: toMicros(money.budget),
      })
    const most = { perRange: 20, perCutRange: 75, perAddress: 40, perSubnet: 120, ...unanswered }
    const said: { msg: string; rules?: string[] }[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => void said.push(JSON.parse(line)) })
    const smsBudget = createSmsBudget({
      keys,
      conversion: createConversion({ ...stored, unanswered: most }),
      dayBudget,
      readModes: async () => ({ ranges: mode, networks: mode, day_budget: mode, ...modes }),
      log,
      metrics: stored.metrics,
    })
    return { ...smsBudget, said, metrics: () => stored.metrics.metrics() }
  }
  const smsBudget = guard()
  const code = String(randomInt(10 ** 6)).padStart(6, '0')
  const wrongCode = String((Number(code) + 1) % 10 ** 6).padStart(6, '0')

  /** A sign-up for a new number, unless told otherwise. */
  function wanted(change: Partial<NewChallenge> & { phone?: E164 } = {}): NewChallenge {
    const { phone = randomPhone(), ...rest } = change
    return {
      purpose: 'sign_up',
      face: 'v1',
      subject: phone,
      limited: true,
      message: { kind: 'code', to: phone, code },
      shownTo: '+91••••••3210',
      country: 'IN',
      locale: 'en',
      pending: { mark: randomUUID() },
      policy,
      ...rest,
    }
  }
  async function open(change: Partial<NewChallenge> & { phone?: E164 } = {}) {
    const opened = await store.open(wanted(change))
    if (opened.verdict !== 'opened') throw new Error(`not opened: ${opened.verdict}`)
    return opened.challenge
  }
  /** A sign-up that is found by the phone, on a face that counts by network. */
  const foundBy = (
    client: Client,
    {
      phone = randomPhone(),
      registrationId,
      ...change
    }: Partial<NewChallenge> & { phone?: E164; registrationId?: string } = {},
  ): NewChallenge & { found: { address: Address } } => {
    const address = addressOfPhone('staged', 'sign_up', phone)
    const found = { address, client, ...(registrationId !== undefined && { registrationId }) }
    return { ...wanted({ phone, face: 'staged', policy: facePolicy, ...change }), found }
  }
  async function openFound(...wish: Parameters<typeof foundBy>) {
    const asked = foundBy(...wish)
    const opened = await store.open(asked)
    if (opened.verdict !== 'opened') throw new Error(`not opened: ${opened.verdict}`)
    return { ...opened.challenge, address: asked.found.address }
  }
  /** Whether the last message of a challenge is one that must not be sent. */
  async function isQuiet({ id }: { readonly id: string }): Promise<boolean> {
    const [list, last] = await redis.hmget(keys.challenge(id), 'quiet', 'messageId')
    return list?.split(',').includes(last ?? '-') === true
  }
  const withinBudget = createWithinBudget({ smsBudget })
  return {
    redis,
    store,
    isQuiet,
    guesses,
    guard,
    smsBudget,
    withinBudget,
    keys,
    clock,
    code,
    wrongCode,
    wanted,
    open,
    foundBy,
    openFound,
  }
}
