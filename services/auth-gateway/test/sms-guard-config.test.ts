import { parseSmsPrices, toMicros } from '@latchkey/contracts/sms-prices'
import t from 'tap'
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

t.test('a price table says what a message to a country costs, in whole millionths', async (t) => {
  const { currency, micros } = parseSmsPrices('EUR,IN=0.0026,US=1,*=0.064999')
  t.equal(currency, 'EUR')
  t.same([micros('IN'), micros('US'), micros('DE'), micros('ZZ')], [2_600, 1_000_000, 64_999, 64_999])
  t.equal(toMicros('0.000001'), 1)
})

t.test('a price table that leaves something open is refused', async (t) => {
  for (const text of [
    '',
    'USD',
    'usd,*=1',
    'USD,IN=0.1',
    'USD,*=1,*=2',
    'USD,IN=1,IN=2,*=3',
    'USD,*=.5',
    'USD,*=1,',
    'USD *=1',
  ])
    t.throws(() => parseSmsPrices(text), text)
  t.match(problems({ SMS_PRICES: 'USD,IN=1' }), [/^SMS_PRICES cannot be used: .*`\*`/])
})

t.test('a budget without prices is refused; nobody has to have either', async (t) => {
  t.match(problems({ SMS_DAY_BUDGET: '5' }), [/^SMS_PRICES is missing/])
  t.same(problems({ SMS_DAY_BUDGET: '5', SMS_PRICES: 'USD,*=0.1' }), [])
  t.same(problems({}), [])
  t.equal(smsGuard(good).money, undefined)
  t.equal(smsGuard({ ...good, SMS_DAY_BUDGET: '12.5', SMS_PRICES: 'USD,*=0.1' }).money?.budgetMicros, 12_500_000)
})

t.test('production enforces every rule, development watches, unless told otherwise', async (t) => {
  const all = (mode: string) => ({ range: mode, networks: mode, budget: mode })
  t.same(smsGuard(good).modes, all('enforce'))
  t.same(smsGuard({ ...good, NODE_ENV: 'development' }).modes, all('monitor'))
  t.match(smsGuard({ ...good, GUARD_NETWORKS: 'off', GUARD_RANGES: 'monitor' }).modes, {
    range: 'monitor',
    networks: 'off',
    budget: 'enforce',
  })
})
