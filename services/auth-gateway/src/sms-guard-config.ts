import { moneyPattern, readSmsPrices } from '@latchkey/contracts/sms-prices'
import { guardModes } from '@latchkey/contracts/switch-record'
import type { Rule } from '@latchkey/kit/config'
import { isSupportedCountry } from 'libphonenumber-js/max'
import { type Static, Type } from 'typebox'
import type { Unanswered } from './abuse/conversion.js'
import { dearestPrices, toMicros } from './abuse/dearest-prices.js'
import type { RuleModes } from './abuse/sms-budget.js'

const Mode = (what: string) =>
  Type.Optional(
    Type.Enum([...guardModes], {
      description: `${what}: off, monitor or enforce; enforce in production, else monitor`,
    }),
  )
const Unanswered = (standard: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: 1_000_000, default: standard, description })

/** The variables of the guard against being made to send. */
export const smsGuardVariables = {
  SMS_COUNTRIES: Type.Optional(
    Type.String({
      pattern: '^(\\*|[A-Z]{2}(,[A-Z]{2})*)$',
      description: 'countries that get messages: `IN,US`, or `*` for all; required in production',
    }),
  ),
  GUARD_RANGES: Mode('whether ranges in which few answer are cut'),
  GUARD_NETWORKS: Mode('whether networks are refused whose messages go unanswered'),
  GUARD_DAY_BUDGET: Mode('whether messages past the budget of the day are refused'),
  UNANSWERED_PER_RANGE: Unanswered(20, 'unanswered messages a day in ten thousand numbers before they are cut'),
  UNANSWERED_PER_CUT_RANGE: Unanswered(75, 'those of them a day for networks that left none unanswered there'),
  UNANSWERED_PER_ADDRESS: Unanswered(40, 'unanswered messages a day of one address (IPv6: /64)'),
  UNANSWERED_PER_SUBNET: Unanswered(120, 'those of one /24 (IPv6: /48)'),
  SMS_DAY_BUDGET: Type.Optional(
    Type.String({
      pattern: moneyPattern,
      description: 'what strangers may make us spend a day, in the currency of SMS_PRICES, which has only one then',
    }),
  ),
  SMS_PRICES: Type.Optional(
    Type.String({ description: 'what carriers take, as users has it: `twilio IN 0.0079 USD; twilio * 0.05 USD`' }),
  ),
}

const SmsGuardConfig = Type.Object(smsGuardVariables)
type SmsGuardConfig = Static<typeof SmsGuardConfig> & { readonly NODE_ENV: 'development' | 'production' }

/** What holds between these variables, and inside one. */
export const smsGuardRules: readonly Rule<SmsGuardConfig>[] = [
  ({ SMS_COUNTRIES = '*' }) =>
    SMS_COUNTRIES.split(',')
      .filter((country) => country !== '*' && !isSupportedCountry(country))
      .map(
        (country) =>
          `SMS_COUNTRIES names ${country}, which is no country (ISO 3166-1 alpha-2; the United Kingdom is GB)`,
      ),
  ({ NODE_ENV, SMS_COUNTRIES }) =>
    NODE_ENV === 'production' && SMS_COUNTRIES === undefined
      ? ['SMS_COUNTRIES is missing: name the countries that get messages; `*` is an open purse']
      : [],
  ({ SMS_PRICES, SMS_DAY_BUDGET }) => {
    if (SMS_PRICES === undefined)
      return SMS_DAY_BUDGET === undefined
        ? []
        : ['SMS_PRICES is missing: SMS_DAY_BUDGET needs to know what messages cost']
    try {
      const prices = readSmsPrices(SMS_PRICES)
      if (SMS_DAY_BUDGET !== undefined) dearestPrices(prices)
      return []
    } catch (error) {
      return [`SMS_PRICES cannot be used: ${error instanceof Error ? error.message : 'it is malformed'}`]
    }
  },
]

/** The same as the guard takes it. */
export function smsGuard(config: SmsGuardConfig) {
  const { GUARD_RANGES, GUARD_NETWORKS, GUARD_DAY_BUDGET, SMS_PRICES, SMS_DAY_BUDGET } = config
  // Whoever tries things out by hand leaves codes unanswered.
  const standard = config.NODE_ENV === 'production' ? 'enforce' : 'monitor'
  const modes: RuleModes = {
    ranges: GUARD_RANGES ?? standard,
    networks: GUARD_NETWORKS ?? standard,
    day_budget: GUARD_DAY_BUDGET ?? standard,
  }
  const unanswered: Unanswered = {
    perRange: config.UNANSWERED_PER_RANGE,
    perCutRange: config.UNANSWERED_PER_CUT_RANGE,
    perAddress: config.UNANSWERED_PER_ADDRESS,
    perSubnet: config.UNANSWERED_PER_SUBNET,
  }
  const money =
    SMS_PRICES === undefined || SMS_DAY_BUDGET === undefined
      ? undefined
      : { prices: dearestPrices(readSmsPrices(SMS_PRICES)), budgetMicros: toMicros(SMS_DAY_BUDGET) }
  return { modes, unanswered, money }
}
