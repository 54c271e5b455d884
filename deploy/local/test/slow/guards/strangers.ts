import type { Guard } from '../guards.js'

const gateway = 'services/auth-gateway/src'
const behindNames = 'services/auth-gateway/test/behind-names.test.ts'
const byAddress = 'services/auth-gateway/test/answer-by-address.test.ts'
const sends = 'services/auth-gateway/test/challenge-sends.test.ts'
const rently = 'deploy/local/test/dialects/rently.test.ts'
const changes = 'deploy/local/test/journey/account-changes.test.ts'
const toldByNoName =
  'whose phone is behind a name is told to nobody who asks by both: no cooldown, no budget, no count of answers'

/** What keeps a stranger from learning who exists by what is counted. */
export const strangerGuards: readonly Guard[] = [
  {
    guards: 'what is sent behind a name is not written among the sends of the phone',
    file: `${gateway}/challenges/lua/spend.6.lua`,
    take: 'recordSend(KEYS[1], KEYS[2], now, ARGV[5], cooldowns)',
    put: 'recordSend(KEYS[4], KEYS[5], now, ARGV[5], cooldowns)',
    test: behindNames,
    red: toldByNoName,
  },
  {
    guards: 'wrong answers to what a name led to are not counted among those of the phone',
    file: `${gateway}/challenges/challenge-store.ts`,
    take: 'scripts.countWrong(keys.behind(asKnown(keys.subject(behind), known)), owner)',
    put: 'scripts.countWrong(asKnown(keys.subject(behind), known), owner)',
    test: behindNames,
    red: toldByNoName,
  },
  {
    guards: 'by its number and by its names together a phone gets no more than its limit',
    file: `${gateway}/challenges/lua/open.5.lua`,
    take: 'local quiet = sent and sentAll(KEYS[2], KEYS[5], now, perHour, perDay, cooldowns)',
    put: 'local quiet = false',
    test: behindNames,
    red: 'a phone gets six messages an hour and twelve a day, by its number and by its names together',
  },
  {
    guards: 'resends too are counted by the number and the names of a phone together',
    file: `${gateway}/challenges/lua/resend.4.lua`,
    take: "local quiet = ARGV[10] == '1' or sentAll(KEYS[2], KEYS[4], now, perHour, perDay, cooldowns)",
    put: "local quiet = ARGV[10] == '1'",
    test: behindNames,
    red: 'a resend past what a phone may be sent by its number and its names together looks sent',
  },
  {
    guards: 'a message for a name that is taken back is given back to the phone behind it',
    file: `${gateway}/challenges/challenge-opening.ts`,
    take: 'await scripts.unspend({ ...send, subject: countedFor(wanted.behind, wanted) })',
    put: '{}',
    test: behindNames,
    red: 'a message for a name that is taken back leaves nothing behind it',
  },
  {
    guards: 'success clears the cooldown of who sent, though a known device answered',
    file: `${gateway}/challenges/lua/settle.3.lua`,
    take: "redis.call('DEL', KEYS[2], KEYS[3])",
    put: "redis.call('DEL', KEYS[3])",
    test: sends,
    red: 'success clears the cooldown of its purpose, whoever sent and whoever answered',
  },
  {
    guards: 'the success of a known device clears no cooldown of strangers',
    file: `${gateway}/challenges/challenge-scripts.ts`,
    take: 'return [known ? devices : subject, devices] as const',
    put: 'return [known ? subject : subject, devices] as const',
    test: sends,
    red: 'success clears the cooldown of its purpose, whoever sent and whoever answered',
  },
  {
    guards: 'success clears the cooldown behind a name',
    file: `${gateway}/challenges/challenge-store.ts`,
    take: 'if (behind !== undefined) await scripts.clearBehind({ subject: keys.subject(behind), known }, purpose)',
    put: '',
    test: sends,
    red: 'success clears the cooldown of its purpose, whoever sent and whoever answered',
  },
  {
    guards: 'wrong answers to a decoy limit no other decoy',
    file: `${gateway}/challenges/address-decoys.ts`,
    take: '(messageId: string): string => messageId',
    put: '(messageId: string): string => messageId.slice(0, 0)',
    test: byAddress,
    red: 'what is answered to one decoy limits no other, as it would limit no live code',
  },
  {
    guards: 'each pair of e-mail and phone has a reset code, or a decoy, of its own',
    file: `${gateway}/challenges/last-pairs.ts`,
    take: 'text: `${address.text} pair:${pair}`',
    put: 'text: `${address.text} pair:${pair.slice(0, 0)}`',
    test: rently,
    red: 'rently > whether a phone belongs to an e-mail is told by no count, whatever pairs are tried before',
  },
  {
    guards: 'the pair of the same client is meant before that of anybody',
    file: `${gateway}/challenges/challenge-scripts.ts`,
    take: 'return own ?? anybodys ?? undefined',
    put: 'return anybodys ?? own ?? undefined',
    test: rently,
    red: 'rently > pairs that a stranger names keep nobody from the code of his own',
  },
  {
    guards: 'a username that is taken is told inside the conflicts of an hour',
    file: `${gateway}/flows/me.ts`,
    take: "tellConflict(caller, 'request.invalid', take)",
    put: 'take()',
    test: 'deploy/local/test/slow/claims.test.ts',
    red: 'claims > who is signed in is told of as many taken usernames as of any conflict',
  },
  {
    guards: 'a second factor has limits of its own',
    file: `${gateway}/flows/sign-in-with-password.ts`,
    take: 'identifier: `second_factor:${userId}`',
    put: 'identifier: phone.e164',
    test: changes,
    red: 'what could lose somebody his account > who spends all that a number may be sent and guessed keeps no second factor from its owner',
  },
  {
    guards: 'the SMS of a second factor is inside the limit of sends of an address',
    file: `${gateway}/flows/sign-in-with-password.ts`,
    take: 'await countSend()',
    put: '',
    test: 'deploy/local/test/slow/second-factor.test.ts',
    red: 'an account that asks for a second factor > its SMS is inside the limit of sends of an address; log-ins without one are not',
  },
  {
    guards: 'a network that may guess no more makes no decoys',
    file: `${gateway}/flows/answer-by-address.ts`,
    take: "if (room.verdict === 'limited') throw tooSoon(room.retryAt)",
    put: '',
    test: byAddress,
    red: 'a network that may guess no more makes no decoys, and is refused for who is there as for who is not',
  },
  {
    guards: 'a decoy that an answer opened ends with its code',
    file: `${gateway}/challenges/lua/decoy.1.lua`,
    take: "redis.call('PEXPIRE', KEYS[1], expiresAt - now)",
    put: 'keepUntilTombstoneEnds(KEYS[1], now, expiresAt)',
    test: byAddress,
    red: 'a decoy that an answer opened is small, and gone when its code would be',
  },
]
