import type { Guard } from '../guards.js'

const abuse = 'services/auth-gateway/src/abuse'
const budgetTest = 'services/auth-gateway/test/sms-budget.test.ts'
const slowTest = 'deploy/local/test/slow/pumping.test.ts'

/** What stands between a pumper and the bill. */
export const pumpingGuards: readonly Guard[] = [
  {
    guards: 'a range whose credit is gone is cut',
    file: `${abuse}/lua/range_send.3.lua`,
    take: 'local cut = open < 1 or',
    put: 'local cut = false and',
    test: budgetTest,
    red: 'whatever his networks, a range gives a pumper a hundred messages at most',
  },
  {
    guards: 'the reserve of a cut range has an end',
    file: `${abuse}/lua/range_send.3.lua`,
    take: 'elseif clean and reserve >= 1 then',
    put: 'elseif clean then',
    test: budgetTest,
    red: 'whatever his networks, a range gives a pumper a hundred messages at most',
  },
  {
    guards: 'the reserve of a cut range is for networks that left nothing unanswered there',
    file: `${abuse}/lua/range_send.3.lua`,
    take: 'local clean = last <= now - DAY or',
    put: 'local clean = true or',
    test: budgetTest,
    red: 'of a thousand pumped numbers a hundred get a message at most, and everybody honest among them gets in',
  },
  {
    guards: 'what is answered in a cut range does not open it to others',
    file: `${abuse}/lua/range_return.4.lua`,
    take: "if from == 'open' then",
    put: "if from ~= '' then",
    test: budgetTest,
    red: 'answers in a cut range open it to nobody but those who answer',
  },
  {
    guards: 'an answer makes room for more than itself: a busy range in which people answer is not cut',
    file: `${abuse}/conversion.ts`,
    take: 'export const addedByAnswer = 2',
    put: 'export const addedByAnswer = 0',
    test: budgetTest,
    red: 'a flash crowd that answers loses nobody, on networks of their own or all on one',
  },
  {
    guards: 'one person adds to the credit of a range once a day',
    file: `${abuse}/lua/range_return.4.lua`,
    take: "redis.call('ZADD', KEYS[4], 'NX', now, person) == 1",
    put: "redis.call('ZADD', KEYS[4], 'NX', now, person) >= 0",
    test: budgetTest,
    red: 'one person who answers again and again makes no room',
  },
  {
    guards: 'what a network leaves unanswered has an end',
    file: `${abuse}/lua/network_credit.2.lua`,
    take: 'if spent > 0 then return spent end',
    put: '',
    test: budgetTest,
    red: 'an address or a subnet whose messages go unanswered is refused, and nobody else',
  },
  {
    guards: 'the money of a day has an end',
    file: `${abuse}/lua/day_budget.1.lua`,
    take: 'if price > 0 and spent + price > budget then',
    put: 'if price > budget then',
    test: budgetTest,
    red: 'a budget in money holds for the day, over all ranges, at the price of each country',
  },
  {
    guards: 'what one rule refuses takes nothing of the others',
    file: `${abuse}/sms-budget.ts`,
    take: 'if (refused) giveBack()',
    put: 'if (refused && said.length === 0) giveBack()',
    test: budgetTest,
    red: 'what one rule refuses is given back by the others; what was not sent after all by all of them',
  },
  {
    guards: 'a message is given back once',
    file: `${abuse}/sms-budget.ts`,
    take: 'if (given) return',
    put: 'if (given && said.length === 0) return',
    test: budgetTest,
    red: 'what one rule refuses is given back by the others; what was not sent after all by all of them',
  },
  {
    guards: 'a rule that only watches refuses nobody',
    file: `${abuse}/sms-budget.ts`,
    take: "one.mode === 'enforce' && one.against.length > 0",
    put: 'one.against.length > 0',
    test: budgetTest,
    red: 'monitor refuses nobody, and counts whom it would have refused, by rule; off asks nobody',
  },
  {
    guards: 'a resend is judged like a send',
    file: 'services/auth-gateway/src/flows/resend-challenge.ts',
    take: "verdict === 'resent' ? withinBudget.again(challenge, caller, send) : send()",
    put: 'send()',
    test: budgetTest,
    red: 'a resend that is refused spends neither a send nor a resend, and the code stays right',
  },
  {
    guards: 'an account is sent its code in a cut range where one call serves accounts and registrations',
    file: 'services/auth-gateway/src/flows/send-by-address.ts',
    take: 'judged: { ...judged, refused: false }',
    put: 'judged',
    test: slowTest,
    red: 'pumping > where one call serves accounts, registrations and nobody, all are answered alike and accounts are sent their codes',
  },
]
