import type { Guard } from '../guards.js'

const jodimilan = 'deploy/local/test/dialects/jodimilan.test.ts'
const rently = 'deploy/local/test/dialects/rently.test.ts'
const decoys = 'services/auth-gateway/test/challenge-decoys.test.ts'
const ofAccounts = 'the decoy of an account is one for all networks, and its first send is a new one'

/** Of the faces `jodimilan` and `rently`, and of what the faces share. */
export const jodimilanAndRentlyGuards: readonly Guard[] = [
  {
    guards: 'what stands beside the fields of jodimilan reaches no profile',
    file: 'services/auth-gateway/src/http/dialects/jodimilan/index.ts',
    take: 'profile: profileOf(body),',
    put: 'profile: { ...body, ...profileOf(body) },',
    test: jodimilan,
    red: 'jodimilan > a profile has the fields of the document and no other, and none goes over what is so',
  },
  {
    guards: 'nobody was born today',
    file: 'services/auth-gateway/src/http/dialects/jodimilan/index.ts',
    take: 'dob >= today',
    put: 'dob > today',
    test: jodimilan,
    red: 'jodimilan > a profile is validated: dates in the past, positive integers, nothing coerced',
  },
  {
    guards: 'a zero that belongs to a number stays',
    file: 'services/auth-gateway/src/http/dialects/jodimilan/index.ts',
    take: '${phone.trim()}`',
    put: "${phone.trim().replace(/^0/, '')}`",
    test: jodimilan,
    red: 'jodimilan > one phone however it is typed, also where a zero is one of its digits',
  },
  {
    guards: 'a code answers for its own purpose only',
    file: 'services/auth-gateway/src/challenges/challenge-keys.ts',
    take: '[face, purpose, text] as const',
    put: '[face, purpose.slice(0, 0), text] as const',
    test: jodimilan,
    red: 'jodimilan > verify-otp takes only a verification code, otp/login only a log-in code',
  },
  {
    guards: 'two networks do not tell an account by its decoy',
    file: 'services/auth-gateway/src/challenges/address-decoys.ts',
    take: "registrationPurposes.has(address.purpose) ? network : ''",
    put: 'network',
    test: decoys,
    red: ofAccounts,
  },
  {
    guards: 'a decoy that nobody sent is not sent again where an account would have none',
    file: 'services/auth-gateway/src/challenges/address-decoys.ts',
    take: 'if (found.record.unsent !== undefined && !registrationPurposes.has(address.purpose)) return false',
    put: '',
    test: decoys,
    red: ofAccounts,
  },
  {
    guards: 'no spelling of a test number goes to a carrier',
    file: 'services/auth-gateway/src/phones/canonical-phone.ts',
    take: ', number?.number].find(',
    put: '].find(',
    test: 'services/auth-gateway/test/canonical-phone.test.ts',
    red: 'a test number is taken whatever it looks like, with its fixed code where it has one',
  },
  {
    guards: 'an initiate of rently refunds no wrong answer while its code lives',
    file: 'services/auth-gateway/src/flows/sign-up-by-address.ts',
    take: 'if (own !== undefined && (await sendAgain(own.id, caller, policy))) return',
    put: "if (own?.id === '') await sendAgain(own.id, caller, policy)",
    test: rently,
    red: 'rently > an initiate after the cooldown sends the same code again, and refunds no wrong answer',
  },
  {
    guards: 'nobody can end the code of another by asking for one first',
    file: 'services/auth-gateway/src/flows/sign-up-by-address.ts',
    take: ' && chosen.openedBy === caller.client.key',
    put: '',
    test: rently,
    red: 'rently > an initiate after the cooldown sends the same code again, and refunds no wrong answer',
  },
  {
    guards: 'strangers choose among the roles for strangers, where nothing exists before the proof too',
    file: 'services/auth-gateway/src/flows/sign-up-by-address.ts',
    take: 'if (!roles.includes(account.role)) throw',
    put: "if (account.role === '') throw",
    test: rently,
    red: 'rently > a refusal says what is wrong in words',
  },
  {
    guards: 'a reset code goes to the phone of the account, and to no other',
    file: 'services/auth-gateway/src/flows/forgot-by-address.ts',
    take: 'found.phone === phone.e164',
    put: 'found.phone !== null',
    test: rently,
    red: 'rently > a forgotten password: known and unknown pairs are answered, cool down and count down alike',
  },
  {
    guards: 'a reset token is for one e-mail only',
    file: 'services/users/src/credentials/passwords.service.ts',
    take: 'email.toLowerCase() !== person.email?.toLowerCase()',
    put: "email === ''",
    test: rently,
    red: 'rently > a reset token is good once, for its e-mail, and ends every session; a try for another spends nothing',
  },
  {
    guards: 'an account that is told with its code is all of it or nothing',
    file: 'services/auth-gateway/src/flows/answer-challenge.ts',
    take: 'whole: answer.account !== undefined,',
    put: 'whole: false,',
    test: rently,
    red: 'rently > a phone or e-mail that is taken is told after a right code only, and once',
  },
  {
    guards: 'an answer that a face does not document goes by no test',
    file: 'libs/kit/src/mount.ts',
    take: '    ...before.map((code) => [code, wordings[code]] as const),\n',
    put: '',
    test: jodimilan,
    red: 'jodimilan > who asks for codes too often from one address is told so as it is documented',
  },
]
