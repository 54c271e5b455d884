import { readSmsPrices } from '@latchkey/contracts/sms-prices'
import t from 'tap'
import { dearestPrices, toMicros } from '../src/abuse/dearest-prices.js'
import { smsGuard, smsGuardRules } from '../src/sms-guard-config.js'

const good = {
  NODE_ENV: 'production' as const,
  SMS_COUNTRIES: 'IN',
  UNANSWERED_PER_RANGE: 20,
  UNANSWERED_PER_CUT_RANGE: 75,
  UNANSWERED_PER_ADDRESS: 40,
  UNANSWERED_PER_SUBNET: 120,
}
const problems = (change: object) => smsGuardRules.flatMap((rule) => rule({ ...good, ...change }))

t.test(
  'before a carrier is chosen a message costs what the dearest takes for its country, in whole millionths',
  async (t) => {
    const { currency, micros } = dearestPrices(
      readSmsPrices(
        'twilio IN 0.0832 EUR; twilio US 0.0079 EUR; twilio * 0.05 EUR; messagecentral IN 0.0026 EUR; messagecentral * 0.064999 EUR',
      ),
    )
    t.equal(currency, 'EUR')
    t.same([micros('IN'), micros('US'), micros('DE'), micros('ZZ')], [83_200, 64_999, 64_999, 64_999])
    t.equal(
      dearestPrices(readSmsPrices('a IN 0.5 USD; b * 0.1 USD')).micros('IN'),
      500_000,
      'that of a, though b sends there too',
    )
    t.equal(toMicros('0.000001'), 1)
  },
)

t.test('prices by which no budget can be reckoned are refused where there is one', async (t) => {
  const SMS_DAY_BUDGET = '5'
  const refused: Record<string, RegExp> = {
    'twilio IN 1 USD': /no price for `\*`/,
    'twilio * 1 USD; messagecentral * 80 INR': /one currency.*USD and INR/,
    'USD,*=1': /entry 1 is not written like/,
  }
  for (const [SMS_PRICES, why] of Object.entries(refused))
    t.match(problems({ SMS_DAY_BUDGET, SMS_PRICES }), [why], SMS_PRICES)
  t.match(problems({ SMS_PRICES: 'USD,*=1' }), [/^SMS_PRICES cannot be used/])
  t.same(problems({ SMS_PRICES: 'twilio IN 1 USD; messagecentral * 80 INR' }), [], 'to tell what was paid they will do')
})

t.test('a budget without prices is refused; nobody has to have either', async (t) => {
  t.match(problems({ SMS_DAY_BUDGET: '5' }), [/^SMS_PRICES is missing/])
  t.same(problems({ SMS_DAY_BUDGET: '5', SMS_PRICES: 'twilio * 0.1 USD' }), [])
  t.same(problems({}), [])
  t.equal(smsGuard(good).money, undefined)
  const { money } = smsGuard({ ...good, SMS_DAY_BUDGET: '12.5', SMS_PRICES: 'twilio * 0.1 USD' })
  t.equal(money?.budgetMicros, 12_500_000)
})

t.test('production enforces every rule, development watches, unless told otherwise', async (t) => {
  const all = (mode: string) => ({ ranges: mode, networks: mode, day_budget: mode })
  t.same(smsGuard(good).modes, all('enforce'))
  t.same(smsGuard({ ...good, NODE_ENV: 'development' }).modes, all('monitor'))
  t.match(smsGuard({ ...good, GUARD_NETWORKS: 'off', GUARD_RANGES: 'monitor' }).modes, {
    ranges: 'monitor',
    networks: 'off',
    day_budget: 'enforce',
  })
})
