import type { Address } from '@latchkey/contracts/address'
import { rangeOf } from '@latchkey/contracts/phone'
import { type GuardMode, type GuardRule, judgedPurposes } from '@latchkey/contracts/switch-record'
import type { Purpose } from '@latchkey/contracts/v1/shapes'
import type { Logger } from 'pino'
import { Counter, type Registry } from 'prom-client'
import type { ChallengeKeys, Subject } from '../challenges/challenge-keys.js'
import type { Caller } from '../flows/ports.js'
import type { CanonicalPhone } from '../phones/canonical-phone.js'
import { type Conversion, type Network, type Networks, addedByAnswer } from './conversion.js'
import { type CountedFor, readCounted, writeCounted } from './counted.js'
import type { DayBudget } from './day-budget.js'

/** What may refuse a message that anybody can ask for. */
const allRules = ['range', 'address', 'subnet', 'budget'] as const satisfies readonly ('range' | Network | 'budget')[]
type Rule = (typeof allRules)[number]
export type RuleModes = { readonly [R in GuardRule]: GuardMode }

/** A message that was judged. */
export interface Judged {
  readonly refused: boolean
  /** What it was counted for, as its challenge keeps it; empty where it was not judged, or refused. */
  readonly counted: string
  /** For a message that was not sent after all; once. */
  giveBack(): void
}

/** What is known of a challenge when its code was answered. */
interface Answered {
  readonly counted: string
  /** How many messages it took. */
  readonly sends: number
  readonly to: Address
  readonly purpose: Purpose
}

type Asker = Pick<Caller, 'requestId' | 'guesser' | 'subnet'>

/** The guard against being made to send: judges messages to numbers that nobody has proved. Throws `unavailable`. */
export interface SmsBudget {
  /** `phone` is null where nobody is told which it is: then it is counted for who asks. */
  take(phone: CanonicalPhone | null, by: Asker): Promise<Judged>
  /** One more message of a challenge, for what its first was counted for. */
  again(
    challenge: { readonly id: string; readonly counted: string; readonly country: string },
    by: Asker,
  ): Promise<Judged>
  /** Whoever answers rightly has not been pumped. Nobody waits for it. */
  answered(challenge: Answered): void
}

interface SmsBudgetNeeds {
  readonly keys: ChallengeKeys
  readonly conversion: Conversion
  /** Where the operator has set one. */
  readonly dayBudget: DayBudget | undefined
  /** As they are at this moment: operators may set them. */
  readonly readModes: () => Promise<RuleModes>
  readonly log: Logger
  readonly metrics: Registry
}

/** For whom a message is counted. */
interface Places {
  readonly range: Subject | undefined
  readonly networks: Networks | undefined
  /** Names the subnet among those that asked in a range; empty where it is not told. */
  readonly network: string
  readonly country: string | undefined
}

/** What was said of a message; what refuses it gives back nothing. */
interface Said {
  readonly against: readonly Rule[]
  readonly mode: GuardMode
  readonly counted?: Partial<CountedFor>
  giveBack(): Promise<void>
}

const ofAnybody: ReadonlySet<Purpose> = new Set<Purpose>(judgedPurposes)

/** A range is a number without its last digits: ten thousand numbers. */
const digitsWithin = 4

const uncounted: Judged = { refused: false, counted: '', giveBack: () => undefined }

/** All rules are asked at once, each in its slot: one round trip. What some granted where another refuses is given back. */
export function createSmsBudget({ keys, conversion, dayBudget, readModes, log, metrics }: SmsBudgetNeeds): SmsBudget {
  const refusals = new Counter({
    name: 'latchkey_sends_refused_total',
    help: 'Messages that anybody can ask for and a rule refused; with mode `monitor` those it would have refused',
    labelNames: ['rule', 'mode'],
    registers: [metrics],
  })
  for (const rule of allRules) for (const mode of ['monitor', 'enforce']) refusals.inc({ rule, mode }, 0)
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

  /** Nothing is asked of what is off. */
  const ask = (mode: GuardMode, take: () => Promise<Omit<Said, 'mode'>>) =>
    mode === 'off' ? [] : [take().then((said): Said => ({ mode, ...said }))]
  const refusal = (...against: readonly Rule[]) => ({ against, giveBack: async () => undefined })

  const askRange = (mode: GuardMode, at: Subject, network: string) =>
    ask(mode, async () => {
      const range = await conversion.sendToRange(at, network)
      if (range === undefined) return refusal('range')
      return { against: [], counted: { range }, giveBack: () => conversion.returnToRange(range, 1) }
    })

  const askNetworks = (mode: GuardMode, networks: Networks) =>
    ask(mode, async () => {
      const against = await conversion.sendFrom(networks)
      if (against.length > 0) return refusal(...against)
      return { against, counted: { networks }, giveBack: () => conversion.returnFrom(networks, 1) }
    })

  const askBudget = (mode: GuardMode, budget: DayBudget, country: string) =>
    ask(mode, async () => {
      if (!(await budget.spend(country))) return refusal('budget')
      return { against: [], giveBack: () => budget.unspend(country) }
    })

  async function judge(places: Places, told: { requestId: string; range?: string }): Promise<Judged> {
    const { range, networks, network, country } = places
    const modes = await readModes()
    const said = await Promise.all([
      ...(range === undefined ? [] : askRange(modes.ranges, range, network)),
      ...(networks === undefined ? [] : askNetworks(modes.networks, networks)),
      ...(dayBudget === undefined || country === undefined ? [] : askBudget(modes.day_budget, dayBudget, country)),
    ])
    const against = said.flatMap((one) => one.against)
    const refused = said.some((one) => one.mode === 'enforce' && one.against.length > 0)
    for (const { against: rules, mode } of said) for (const rule of rules) refusals.inc({ rule, mode })
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
    const counted = said.reduce<Partial<CountedFor>>((all, one) => ({ ...all, ...one.counted }), {})
    return {
      refused,
      counted: refused ? '' : writeCounted({ range: counted.range, networks: counted.networks }),
      giveBack,
    }
  }

  return {
    async take(phone, { requestId, guesser, subnet }) {
      if (phone?.test !== undefined) return uncounted
      const places = {
        range: phone === null ? undefined : keys.subject(`range:${phone.e164.slice(0, -digitsWithin)}`),
        networks:
          guesser === undefined || subnet === undefined
            ? undefined
            : { address: keys.subject(`sends:${guesser}`), subnet: keys.subject(`sends:${subnet}`) },
        network: subnet ?? '',
        country: phone?.country,
      }
      return judge(places, { requestId, ...(phone !== null && { range: rangeOf(phone.e164) }) })
    },
    async again({ counted, country }, { requestId }) {
      if (counted === '') return uncounted
      const { range, networks } = readCounted(counted)
      // Mail goes to no country, and costs nothing.
      const places = { networks, range: range?.range, network: range?.network ?? '' }
      return judge({ ...places, country: country === 'ZZ' ? undefined : country }, { requestId })
    },
    answered({ counted, sends: messages, to, purpose }) {
      if (counted === '') return
      const { range, networks } = readCounted(counted)
      const person = ofAnybody.has(purpose) ? keys.subject(to) : undefined
      const back = messages + (person === undefined ? 0 : addedByAnswer)
      answers.inc(messages)
      const returned = [
        range && conversion.returnToRange(range, messages, person),
        networks && conversion.returnFrom(networks, back),
      ]
      for (const one of returned) void one?.catch(() => undefined)
    },
  }
}
