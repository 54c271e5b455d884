import type { Guard } from '../guards.js'

const names = 'services/auth-gateway/src/flows/accounts.ts'
const lookAlikes = {
  test: 'deploy/local/test/slow/one-person.test.ts',
  red: 'one person everywhere > whatever others call themselves, a log-in reaches its rightful owner',
}
const rings = 'deploy/local/test/rings.test.ts'

export const preHijackingGuards: readonly Guard[] = [
  {
    guards: 'nobody calls himself by a RYT id',
    file: names,
    take: 'if (/^ryt\\d+$/.test(username))',
    put: 'if (/^ryt$/.test(username))',
    ...lookAlikes,
  },
  {
    guards: 'nobody calls himself by what reads as a phone, an e-mail or a name that is taken',
    file: names,
    take: 'const usernamePattern = /^[a-z][a-z0-9._-]{2,31}$/',
    put: 'const usernamePattern = /^\\S{3,32}$/',
    ...lookAlikes,
  },
  {
    guards: 'a name is compared in lower case',
    file: names,
    take: 'const username = text.toLowerCase()\n  if',
    put: 'const username = text\n  if',
    ...lookAlikes,
  },
  {
    guards: 'which of two undos is the older is told by no clock',
    file: 'services/users/src/phone-changes/phone-undos.repository.ts',
    take: ".where('number', '>=', undo.number)",
    put: ".where('created_at', '>=', undo.created_at)",
    test: 'services/users/test/phone-changes.test.ts',
    red: 'which undo is the older is told by no clock: one that runs behind gives the last word to nobody',
  },
  {
    guards: 'a password beside a right code is a guess like any other',
    file: 'services/auth-gateway/src/flows/answer-challenge.ts',
    take: 'return guessPassword({ account: `with_code:${proof.phone}`, known }, caller, () =>\n      users.signInWithPhone({ ...proof, password }, caller),\n    )',
    put: 'void [known, guessPassword]\n    return users.signInWithPhone({ ...proof, password }, caller)',
    test: 'services/auth-gateway/test/answer-challenge.test.ts',
    red: 'a password beside a right code is counted before it is compared; past its budget it uses nothing up',
  },
  {
    guards: 'a session that is kept keeps its device',
    file: 'services/users/src/sessions/devices.repository.ts',
    take: 'sql<boolean>`not exists (select 1 from sessions where sessions.device_id = devices.id)`',
    put: 'sql<boolean>`true`',
    test: 'services/users/test/sweeps.test.ts',
    red: 'no device is swept of which a session is left, however old',
  },
  {
    guards: 'keys are written through no link',
    file: 'deploy/local/src/key-file.ts',
    take: "rmSync(next, { force: true })\n  const file = openSync(next, 'wx', 0o600)",
    put: "const file = openSync(next, 'w', 0o600)",
    test: rings,
    red: 'a key file keeps its owner and readers whatever the umask, and nothing is written through a link',
  },
  {
    guards: 'a key file stays with those who read it',
    file: 'deploy/local/src/key-file.ts',
    take: 'if (before !== undefined) handOver(file, before)',
    put: 'void handOver',
    test: rings,
    red: 'a key file keeps its owner and readers whatever the umask, and nothing is written through a link',
  },
  {
    guards: 'a promotion that was interrupted is known to have been under way',
    file: 'deploy/local/src/key-place.ts',
    take: 'keep(name, eitherOf(of(name), after))',
    put: 'void eitherOf\n      keep(name, after)',
    test: rings,
    red: 'a rotation that was interrupted anywhere is done again, and leaves no key behind',
  },
]
