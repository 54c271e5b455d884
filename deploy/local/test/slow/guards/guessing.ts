import type { Guard } from '../guards.js'

const gateway = 'services/auth-gateway/src'
const knownTest = 'services/auth-gateway/test/known-devices.test.ts'
const budgetsTest = 'services/auth-gateway/test/guess-budgets.test.ts'
const decoysTest = 'services/auth-gateway/test/challenge-decoys.test.ts'
const devicesTest = 'services/users/test/devices.test.ts'

/** What is counted before a guess is looked at, and what sets a known device apart. */
export const guessingGuards: readonly Guard[] = [
  {
    guards: 'the wrong answers of a known device are its own',
    file: `${gateway}/challenges/challenge-store.ts`,
    take: 'asKnown({ shard: keys.shardOf(id), hash: subject }, known)',
    put: 'asKnown({ shard: keys.shardOf(id), hash: subject }, known && false)',
    test: knownTest,
    red: 'a device that is known only when it answers is not stopped by what strangers guessed',
  },
  {
    guards: 'the sends and cooldowns of a known device are its own',
    file: `${gateway}/challenges/challenge-opening.ts`,
    take: 'known ? keys.known(keys.subject(text)) : keys.subject(text)',
    put: 'known ? keys.subject(text) : keys.subject(text)',
    test: knownTest,
    red: 'a known device is sent a code, is sent it again and answers it when strangers have spent everything',
  },
  {
    guards: 'who finds the challenge of a known device by its address is not that device',
    file: `${gateway}/challenges/challenge-store.ts`,
    take: "if (client === undefined && record.known === '1') return true",
    put: "if ((client === undefined || true) && record.known === '1') return true",
    test: knownTest,
    red: 'who finds the challenge of a known device by its address spends none of what is the device’s',
  },
  {
    guards: 'answers of strangers are counted for their network before they are compared',
    file: `${gateway}/challenges/challenge-store.ts`,
    take: 'const counted = known ? undefined : await by.count?.()',
    put: 'const counted = known || id !== undefined ? undefined : await by.count?.()',
    test: knownTest,
    red: 'a network that has guessed enough has no answer compared',
  },
  {
    guards: 'wrong answers to the decoy of a send count for what was typed',
    file: `${gateway}/challenges/challenge-opening.ts`,
    take: 'const countsFor = writeSubject(send.subject)',
    put: 'const countsFor = writeSubject(send.subject).slice(0, 0)',
    test: decoysTest,
    red: 'wrong answers to the decoy of a send count for what was typed, and meet its limit, as those to a live code do',
  },
  {
    guards: 'a device token is good at its own account only',
    file: 'services/users/src/people/people.routes.ts',
    take: 'person.id === ownerId',
    put: 'ownerId !== undefined',
    test: devicesTest,
    red: 'a device token makes its bearer known at its own account for 180 days, and at no other',
  },
  {
    guards: 'a device token that was re-issued ends a day later',
    file: 'services/users/src/sessions/devices.repository.ts',
    take: "is('superseded_at', '>', supersededAfter)",
    put: "is('superseded_at', '>', new Date(supersededAfter.getTime() - 1e12))",
    test: devicesTest,
    red: 'a device token that was re-issued stays good for 24 hours',
  },
  {
    guards: 'past the free ones a password waits',
    file: `${gateway}/abuse/lua/guess_account.1.lua`,
    take: 'if at > now then return at end',
    put: '',
    test: budgetsTest,
    red: 'a hundred wrong passwords at once from a hundred networks: exactly twenty are compared',
  },
  {
    guards: 'a network has a budget over all accounts',
    file: `${gateway}/abuse/lua/guess_network.1.lua`,
    take: 'if at > now then return at end',
    put: '',
    test: budgetsTest,
    red: 'wrong answers and wrong passwords of one network count together, over whatever accounts, and nobody else’s',
  },
  {
    guards: 'what is refused unread is no guess of a network',
    file: `${gateway}/abuse/guess-budgets.ts`,
    take: '      void forNetwork.giveBack().catch(() => undefined)\n      return forAccount',
    put: '      return forAccount',
    test: budgetsTest,
    red: 'what is refused unread is no guess of its network: one who hammers at one account shuts out nobody beside him',
  },
  {
    guards: 'a password that could not be looked at is no guess of a network',
    file: `${gateway}/abuse/guess-budgets.ts`,
    take: 'void forNetwork.giveBack().catch(() => undefined)\n        throw error',
    put: 'throw error',
    test: budgetsTest,
    red: 'what could not be looked at for a failure of ours is no guess of its network',
  },
  {
    guards: 'an answer that could not be looked at is no guess of a network',
    file: `${gateway}/challenges/challenge-store.ts`,
    take: 'giveBack()\n        throw error',
    put: 'throw error',
    test: budgetsTest,
    red: 'what could not be looked at for a failure of ours is no guess of its network',
  },
  {
    guards: 'a wrong password stays counted',
    file: `${gateway}/flows/guess-password.ts`,
    take: 'if (!wrong) void counted',
    put: 'if (!wrong || wrong) void counted',
    test: budgetsTest,
    red: 'a right password takes back its own count and no other; a failure of ours too',
  },
]
