import type { Guard } from '../guards.js'

const keeper = 'libs/client/src/keeper.ts'
const test = 'libs/client/test/http.test.ts'
const oneRenewal = 'many callers are one renewal; of many tabs one renews, and the others find what it stored'
const slow = 'a slow renewal neither undoes a sign-out nor replaces a sign-in that came meanwhile'

export const clientGuards: readonly Guard[] = [
  {
    guards: 'the callers of a client share one renewal',
    file: keeper,
    take: 'renewal ??= tabs',
    put: 'renewal = tabs',
    test,
    red: oneRenewal,
  },
  {
    guards: 'a tab that waited for another uses what that one stored',
    file: keeper,
    take: 'if (isFresh(kept, refused)) return kept\n    const next',
    put: 'const next',
    test,
    red: oneRenewal,
  },
  {
    guards: 'who signed out stays signed out, however late a renewal is answered',
    file: keeper,
    take: 'const now = await read()\n    if (now === null) throw nobody()',
    put: 'const now = (await read()) ?? kept',
    test,
    red: slow,
  },
  {
    guards: 'who signed in meanwhile stays signed in',
    file: keeper,
    take: 'if (now.refreshToken !== kept.refreshToken) return now',
    put: '',
    test,
    red: slow,
  },
  {
    guards: 'no failure of the network signs anybody out',
    file: keeper,
    take: "if (isRefusal(next.error, 'token.invalid')) await end()",
    put: 'await end()',
    test,
    red: 'only the word of the service signs anybody out: not a portal, a proxy or a hole',
  },
  {
    guards: 'what may have had its effect is not sent again',
    file: 'libs/client/src/send.ts',
    take: '!outgoing.repeatable || ',
    put: '',
    test,
    red: 'whatever may have had its effect is sent once',
  },
  {
    guards: 'an answer that nobody waits for signs nobody in',
    file: 'libs/client/src/client.ts',
    take: 'signal.throwIfAborted()',
    put: '',
    test,
    red: 'who no longer waits for a sign-in is not signed in by it',
  },
]
