import { type Static, Type } from 'typebox'
import { type Purpose, Timestamp } from './v1/shapes.js'

/**
 * The copy (copy-record) in the queue's Redis of what operators switched: the worker looks into it before each send, the gateway
 * before it promises one. Each field is a slot, its value a `SwitchRecord` as JSON.
 */
export const switchesKey = (prefix: string): string => `${prefix}:switches`

/** What a rule of the guard against pumping may do; `monitor` counts what it would have refused, and refuses nobody. */
export const guardModes = ['off', 'monitor', 'enforce'] as const
export type GuardMode = (typeof guardModes)[number]

/** The rules of that guard, as an operator names them. */
export const guardRules = ['ranges', 'networks', 'day_budget'] as const
export type GuardRule = (typeof guardRules)[number]

/** Purposes of which anybody can make us send to any number: what the guard judges. Those about an account go to numbers that were proved, or nowhere. */
export const judgedPurposes = [
  'sign_up',
  'verify_phone',
  'change_phone',
  'verify_email',
] as const satisfies readonly Purpose[]

/** What a switch does, as its record says. */
export const switchDeeds = ['pause', 'drain', 'weight', 'stop', ...guardModes] as const
export type SwitchDeed = (typeof switchDeeds)[number]

export const switchTargets = ['lane', 'country', 'purpose', 'guard'] as const
export type SwitchTarget = (typeof switchTargets)[number]

export const heaviest = 999

/** A switch as those know it who obey it. It ends by itself. */
export const SwitchRecord = Type.Object({
  does: Type.Enum([...switchDeeds], {
    description:
      '`pause` a lane: it takes nothing new. `drain` it: it takes what was queued before, and nothing after. `weight`: another share of its place in the routes. `stop` a country or a purpose: no message to it is sent. `off`, `monitor`, `enforce`: what a rule of the guard against pumping does, whatever is configured.',
  }),
  target: Type.Enum([...switchTargets]),
  name: Type.String({
    minLength: 1,
    maxLength: 32,
    description:
      'A lane as in `SMS_PROVIDERS`, a country like `IN`, a purpose like `sign_up`, or of the guard `ranges`, `networks`, `day_budget`.',
    examples: ['twilio'],
  }),
  weight: Type.Optional(Type.Integer({ minimum: 0, maximum: heaviest, description: 'With `weight` only.' })),
  since: Timestamp,
  until: { ...Timestamp, description: 'It ends by itself then; 30 days away at most.' },
})
export type SwitchRecord = Static<typeof SwitchRecord>

/** Those that have not come to their end. */
export const inForce = (switches: readonly SwitchRecord[], now = Date.now()): SwitchRecord[] =>
  switches.filter(({ until }) => Date.parse(until) > now)
