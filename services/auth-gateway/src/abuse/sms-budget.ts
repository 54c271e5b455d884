import { type E164, rangeOf } from '@latchkey/contracts/phone'
import type { Purpose } from '@latchkey/contracts/v1/shapes'
import type { Logger } from 'pino'
import { Counter, type Registry } from 'prom-client'
import type { ChallengeKeys, Subject } from '../challenges/challenge-keys.js'
import type { Caller } from '../flows/ports.js'
import type { CanonicalPhone } from '../phones/canonical-phone.js'
import { type Conversion, type Network, addedByAnswer } from './conversion.js'
import { type Counted, readCounted, writeCounted } from './counted.js'
import type { DayBudget } from './day-budget.js'

/** `monitor` counts what would have been refused, and refuses nobody. */
export const guardModes = ['off', 'monitor', 'enforce'] as const
export type GuardMode = (typeof guardModes)[number]

/** What may refuse a message that anybody can ask for. */
type Rule = 'range' | Network | 'budget'
export type RuleModes = { readonly [R in Rule]: GuardMode }

/** A message that was judged. */
export interface Judged {
  readonly refused: boolean
  /** What it was counted for, as its challenge keeps it; empty for nothing. */
  readonly counted: string
  /** For a message that was not sent after all; once. */
  giveBack(): void
}

/** What is known of a challenge when its code was answered. */
interface Answered {
  readonly counted: string
  /** How many messages it took. */
  readonly sends: number
  readonly phone: E164
  readonly purpose: Purpose
}

type Asker = Pick<Caller, 'requestId' | 'guesser' | 'subnet'>

/** The guard against being made to send: judges messages to numbers that nobody has proved. Throws `unavailable`. */
export interface SmsBudget {
  /** `phone` is null where nobody is told which it is: then it is counted for who asks. */
  take(phone: CanonicalPhone | null, by: Asker): Promise<Judged>
  /** One more message of a challenge, for what its first was counted for. */
  again(challenge: { readonly counted: string; readonly country: string }, by: Asker): Promise<Judged>
  /** Whoever answers rightly has not been pumped. Nobody waits for it. */
  answered(challenge: Answered): void
}

interface SmsBudgetNeeds {
  readonly keys: ChallengeKeys
  readonly conversion: Conversion
  /** Where the operator has set one. */
  readonly dayBudget: DayBudget | undefined
  readonly modes: RuleModes
  readonly log: Logger
  readonly metrics: Registry
}

/** For whom a message is counted. */
interface Places {
  readonly range: Subject | undefined
  readonly address: Subject | undefined
  readonly subnet: Subject | undefined
  /** Names the subnet among those that asked in a range; empty where it is not told. */
  readonly network: string
  readonly country: string | undefined
}

/** What one rule says; `giveBack` of a refusal does nothing. */
interface Said {
  readonly rule: Rule
  readonly refuses: boolean
  readonly range?: Counted['range']
  giveBack(): Promise<void>
}

/** Purposes of which anybody can make us send to any number; those about an account go to numbers that were proved, or nowhere. */
const ofAnybody: ReadonlySet<Purpose> = new Set<Purpose>(['sign_up', 'verify_phone', 'change_phone'])

/** A range is a number without its last digits: ten thousand numbers. */
const digitsWithin = 4

const refusal = { refuses: true, giveBack: async () => undefined }
const uncounted: Judged = { refused: false, counted: '', giveBack: () => undefined }

/** All rules are asked at once, each in its slot: one round trip. What some granted where another refuses is given back. */
export function createSmsBudget({ keys, conversion, dayBudget, modes, log, metrics }: SmsBudgetNeeds): SmsBudget {
  const refusals = new Counter({
    name: 'latchkey_sends_refused_total',
    help: 'Messages that anybody can ask for and a rule refused; with mode `monitor` those it would have refused',
    labelNames: ['rule', 'mode'],
    registers: [metrics],
  })
  const sends = new Counter({
    name: 'latchkey_sends_for_anybody_total',
    help: 'Messages that anybody can ask for and were let through',
    registers: [metrics],
  })
  const answers = new Counter({
    name: 'latchkey_sends_for_anybody_answered_total',
    help: 'Of these, those whose code was answered rightly',
    registers: [metrics],
  })

  const ask = (rule: Rule, take: () => Promise<Omit<Said, 'rule'>>) =>
    modes[rule] === 'off' ? [] : [take().then((said): Said => ({ rule, ...said }))]

  const askRange = (range: Subject, network: string) =>
    ask('range', async () => {
      const sent = await conversion.sendToRange(range, network)
      return sent === undefined
        ? refusal
        : { refuses: false, range: sent, giveBack: () => conversion.returnToRange(sent, 1) }
    })

  const askNetwork = (kind: Network, network: Subject) =>
    ask(kind, async () =>
      (await conversion.sendFrom(kind, network))
        ? { refuses: false, giveBack: () => conversion.returnFrom(kind, network, 1) }
        : refusal,
    )

  const askBudget = (budget: DayBudget, country: string) =>
    ask('budget', async () =>
      (await budget.spend(country)) ? { refuses: false, giveBack: () => budget.unspend(country) } : refusal,
    )

  async function judge(places: Places, told: { requestId: string; range?: string }): Promise<Judged> {
    const { range, address, subnet, network, country } = places
    const said = await Promise.all([
      ...(range === undefined ? [] : askRange(range, network)),
      ...(address === undefined ? [] : askNetwork('address', address)),
      ...(subnet === undefined ? [] : askNetwork('subnet', subnet)),
      ...(dayBudget === undefined || country === undefined ? [] : askBudget(dayBudget, country)),
    ])
    const against = said.filter(({ refuses }) => refuses).map(({ rule }) => rule)
    const refused = against.some((rule) => modes[rule] === 'enforce')
    for (const rule of against) refusals.inc({ rule, mode: modes[rule] })
    if (against.length > 0)
      log.info({ ...told, country, rules: against }, refused ? 'a message was refused' : 'a message would be refused')
    let given = false
    const giveBack = () => {
      if (given) return
      given = true
      // What is lost on the way grows back by itself.
      for (const one of said) void one.giveBack().catch(() => undefined)
    }
    if (refused) giveBack()
    else sends.inc()
    const counted = { range: said.find((one) => one.range !== undefined)?.range, address, subnet }
    return { refused, counted: refused ? '' : writeCounted(counted), giveBack }
  }

  return {
    async take(phone, { requestId, guesser, subnet }) {
      if (phone?.test !== undefined) return uncounted
      const places = {
        range: phone === null ? undefined : keys.subject(`range:${phone.e164.slice(0, -digitsWithin)}`),
        address: guesser === undefined ? undefined : keys.subject(`sends:${guesser}`),
        subnet: subnet === undefined ? undefined : keys.subject(`sends:${subnet}`),
        network: subnet ?? '',
        country: phone?.country,
      }
      return judge(places, { requestId, ...(phone !== null && { range: rangeOf(phone.e164) }) })
    },
    async again({ counted, country }, { requestId }) {
      const { range, ...networks } = readCounted(counted)
      if (counted === '') return uncounted
      return judge({ ...networks, range: range?.range, network: range?.network ?? '', country }, { requestId })
    },
    answered({ counted, sends: messages, phone, purpose }) {
      if (counted === '') return
      const { range, address, subnet } = readCounted(counted)
      const person = ofAnybody.has(purpose) ? keys.subject(phone) : undefined
      const back = messages + (person === undefined ? 0 : addedByAnswer)
      answers.inc(messages)
      const returned = [
        range && conversion.returnToRange(range, messages, person),
        address && conversion.returnFrom('address', address, back),
        subnet && conversion.returnFrom('subnet', subnet, back),
      ]
      for (const one of returned) void one?.catch(() => undefined)
    },
  }
}
