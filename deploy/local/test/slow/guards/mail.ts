import type { Guard } from '../guards.js'

const sending = 'services/sms-worker/test/mail.test.ts'
const journey = 'deploy/local/test/slow/mail.test.ts'
const reached = (what: string) => `people who are reached by mail > ${what}`

export const mailGuards: readonly Guard[] = [
  {
    guards: 'a mail that may have been taken is mailed once more and never a third time',
    file: 'services/sms-worker/src/providers/smtp-codes.ts',
    take: "return begun ? { outcome: 'unknown', carrierCode } : { outcome",
    put: 'return { outcome',
    test: sending,
    red: 'a mail server that takes a message and is gone before it says so gets the same code once more, and never a third time',
  },
  {
    guards: 'a mail that may have been taken is not handed in again because its connection was an old one',
    file: 'services/sms-worker/src/providers/smtp.ts',
    take: 'kept !== undefined && !begun && isGoodbye(broken)',
    put: 'kept !== undefined && isGoodbye(broken)',
    test: sending,
    red: 'a server that ended an idle connection is asked by a new one: nobody waits, and nothing is brought twice',
  },
  {
    guards: 'no code is mailed in the clear where TLS is wanted',
    file: 'services/sms-worker/src/providers/smtp.ts',
    take: 'requireTLS: startTls,',
    put: 'requireTLS: startTls && false,',
    test: sending,
    red: 'where TLS is wanted nothing is said in the clear',
  },
  {
    guards: 'decoys of mail reach no server',
    file: 'services/sms-worker/src/routing/router.ts',
    take: ' || to === nobodysMail ? decoys : real',
    put: ' ? decoys : nobodysMail && real',
    test: sending,
    red: 'a decoy of mail is played, and no server hears of it',
  },
  {
    guards: 'a mail server that hangs keeps no SMS waiting',
    file: 'services/sms-worker/src/deps.ts',
    take: 'const mailSlots = 0.2',
    put: 'const mailSlots = 1',
    test: sending,
    red: 'a mail server that hangs keeps no SMS waiting',
  },
  {
    guards: 'no address that could be more than one, or a header, gets mail',
    file: 'services/auth-gateway/src/flows/accounts.ts',
    take: 'if (!Value.Check(Email, email))',
    put: 'if (email.length < 3 || Value.Check(Email, `${email} `))',
    test: journey,
    red: reached('an e-mail wants the password, or a sign-in of the last ten minutes'),
  },
  {
    guards: 'no code of an account goes to an e-mail that nobody proved',
    file: 'services/users/src/people/people.routes.ts',
    take: 'person === undefined || person.email_verified_at === null ? null',
    put: 'person === undefined ? null',
    test: journey,
    red: reached('a forgotten password: mail where the e-mail was proved, else the phone; who asks cannot tell'),
  },
  {
    guards: 'how a forgotten password fares by e-mail tells nobody who is there',
    file: 'services/auth-gateway/src/flows/read-challenge.ts',
    take: "if (found.channel === 'email' && found.shownTo === null)",
    put: "if (found.channel === 'email' && found.shownTo === '')",
    test: journey,
    red: reached('a forgotten password: mail where the e-mail was proved, else the phone; who asks cannot tell'),
  },
  {
    guards: 'an e-mail that somebody proved is taken from nobody',
    file: 'services/users/src/phone-changes/email-changes.service.ts',
    take: "return owner === undefined || owner.id === before.id ? before : 'account.exists'",
    put: 'return owner === undefined ? before : before',
    test: journey,
    red: reached('an address that somebody else proved changes nothing, after the right code only'),
  },
  {
    guards: 'an undo of a change of e-mail gives back both',
    file: 'services/users/src/phone-changes/address-undos.ts',
    take: 'const email = undo.emails_too ?',
    put: 'const email = undo.emails_too && false ?',
    test: journey,
    red: reached('who has no proved e-mail is told by phone, and one undo gives back both'),
  },
  {
    guards: 'an e-mail wants the password, or a recent sign-in',
    file: 'services/auth-gateway/src/flows/change-email.ts',
    take: 'users.preparePhoneChange({ sessionId }, again, caller)',
    put: 'users.preparePhoneChange({ sessionId }, { ...again, freshWithinSeconds: 3_600 }, caller)',
    test: journey,
    red: reached('an e-mail wants the password, or a sign-in of the last ten minutes'),
  },
]
