import type { Answer } from '../journey/journey.js'
import type { Client, Person } from './world.js'

// All that a stranger can ask about a number, an e-mail or a name, on every face: nobody may learn from it who exists. The registers of
// the faces that tell of conflicts are not among it: their documents want them to tell.

/** What one call left for the next about the same person. */
export interface Kept {
  challengeId?: string
}

export interface Question {
  readonly asks: string
  /** Moves the clock of challenges before: by default a day, so that nothing asked before counts. */
  readonly afterSeconds?: number
  ask(by: Client, who: Person, kept: Kept): Promise<Answer>
}

const wrong = '000001'
/** An e-mail of theirs that an account without a phone proved: what goes there goes by mail. */
export const mailboxOf = ({ email }: Pick<Person, 'email'>): string => `m.${email}`
const national = ({ phone }: Person) => ({ phone: phone.slice(3), dialing_code: '91' })
const post =
  (path: string, body: (who: Person) => object | undefined): Question['ask'] =>
  (by, who) =>
    by.call('POST', path, body(who))

export const questions: readonly Question[] = [
  { asks: '/v1: sign up', ask: post('/v1/signup', ({ phone }) => ({ phone })) },
  {
    asks: '/v1: log in by password',
    ask: post('/v1/login', ({ phone: identifier }) => ({ identifier, password: 'not this one' })),
  },
  {
    asks: '/v1: a code to log in by',
    async ask(by, { phone }, kept) {
      const started = await by.call('POST', '/v1/login/code', { phone })
      if (started.status === 202) kept.challengeId = started.body.challenge.id
      return started
    },
  },
  {
    asks: '/v1: what became of it',
    afterSeconds: 0,
    ask: (by, _who, { challengeId }) => by.call('GET', `/v1/challenges/${challengeId}`),
  },
  {
    asks: '/v1: answer it',
    afterSeconds: 0,
    ask: (by, _who, { challengeId }) => by.call('POST', `/v1/challenges/${challengeId}/answer`, { code: wrong }),
  },
  {
    asks: '/v1: send it again',
    afterSeconds: 31,
    ask: (by, _who, { challengeId }) => by.call('POST', `/v1/challenges/${challengeId}/resend`),
  },
  {
    asks: '/v1: forgot, by phone',
    ask: post('/v1/password/forgot', ({ phone: identifier }) => ({ identifier })),
  },
  {
    asks: '/v1: forgot, by e-mail',
    async ask(by, { email: identifier }, kept) {
      const started = await by.call('POST', '/v1/password/forgot', { identifier })
      if (started.status === 202) kept.challengeId = started.body.challenge.id
      return started
    },
  },
  {
    asks: '/v1: answer what was sent for the e-mail',
    afterSeconds: 0,
    ask: (by, _who, { challengeId }) => by.call('POST', `/v1/challenges/${challengeId}/answer`, { code: wrong }),
  },
  {
    asks: '/v1: log in by password, by a proved e-mail',
    ask: post('/v1/login', (who) => ({ identifier: mailboxOf(who), password: 'not this one' })),
  },
  {
    asks: '/v1: forgot, by a proved e-mail',
    async ask(by, who, kept) {
      const started = await by.call('POST', '/v1/password/forgot', { identifier: mailboxOf(who) })
      if (started.status === 202) kept.challengeId = started.body.challenge.id
      return started
    },
  },
  {
    asks: '/v1: what became of the mail',
    afterSeconds: 0,
    ask: (by, _who, { challengeId }) => by.call('GET', `/v1/challenges/${challengeId}`),
  },
  {
    asks: '/v1: answer what was mailed',
    afterSeconds: 0,
    ask: (by, _who, { challengeId }) => by.call('POST', `/v1/challenges/${challengeId}/answer`, { code: wrong }),
  },
  {
    asks: '/v1: mail it again',
    afterSeconds: 31,
    ask: (by, _who, { challengeId }) => by.call('POST', `/v1/challenges/${challengeId}/resend`),
  },
  {
    asks: '/v1: forgot, by username',
    async ask(by, { username: identifier }, kept) {
      const started = await by.call('POST', '/v1/password/forgot', { identifier })
      if (started.status === 202) kept.challengeId = started.body.challenge.id
      return started
    },
  },
  {
    asks: '/v1: what became of what was sent for the username',
    afterSeconds: 0,
    ask: (by, _who, { challengeId }) => by.call('GET', `/v1/challenges/${challengeId}`),
  },
  {
    asks: '/v1: send it for the username again',
    afterSeconds: 31,
    ask: (by, _who, { challengeId }) => by.call('POST', `/v1/challenges/${challengeId}/resend`),
  },
  {
    asks: 'staged: log in',
    ask: post('/staged/api/auth/login', ({ username }) => ({ username, password: 'not this one' })),
  },
  {
    asks: 'staged: send the code again',
    ask: post('/staged/api/auth/resend-phone-code', ({ phone: phoneNumber }) => ({ phoneNumber })),
  },
  {
    asks: 'staged: answer',
    afterSeconds: 0,
    ask: post('/staged/api/auth/verify-phone', ({ phone: phoneNumber }) => ({ phoneNumber, code: wrong })),
  },
  {
    asks: 'careops: log in',
    ask: post('/careops/api/auth/login', ({ email }) => ({ email, password: 'not this one' })),
  },
  {
    asks: 'careops: send the code again',
    ask: (by, { email }) => by.call('POST', `/careops/api/auth/resend-sms?email=${encodeURIComponent(email)}`),
  },
  {
    asks: 'careops: answer',
    afterSeconds: 0,
    ask: (by, { email }) =>
      by.call('POST', `/careops/api/auth/verify-sms?email=${encodeURIComponent(email)}`, { code: wrong }),
  },
  {
    asks: 'jodimilan: log in',
    ask: post('/jodimilan/api/auth/login', ({ email }) => ({ email, password: 'not this one' })),
  },
  { asks: 'jodimilan: a code to log in by', ask: post('/jodimilan/api/auth/resend/otp', national) },
  {
    asks: 'jodimilan: answer it',
    afterSeconds: 0,
    ask: post('/jodimilan/api/auth/otp/login', (who) => ({ ...national(who), otp: wrong })),
  },
  {
    asks: 'jodimilan: answer a sign-up',
    ask: post('/jodimilan/api/auth/verify-otp', (who) => ({ ...national(who), otp: wrong })),
  },
  {
    asks: 'rently: sign up',
    ask: post('/rently/api/auth/signup-initiate', ({ username, email, phone }) => ({
      name: username,
      email,
      phone,
      password: 'not this one',
      role: 'tenant',
    })),
  },
  {
    asks: 'rently: answer the sign-up',
    afterSeconds: 0,
    ask: post('/rently/api/auth/signup-verify-otp', ({ username, email, phone }) => ({
      name: username,
      email,
      phone,
      password: 'not this one',
      role: 'tenant',
      otp: wrong,
    })),
  },
  {
    asks: 'rently: log in',
    ask: post('/rently/api/auth/login', ({ email }) => ({ email, password: 'not this one' })),
  },
  {
    asks: 'rently: forgot',
    ask: post('/rently/api/auth/forgot-password-initiate', ({ email, phone }) => ({ email, phone })),
  },
  {
    asks: 'rently: answer it',
    afterSeconds: 0,
    ask: post('/rently/api/auth/forgot-password-verify-otp', ({ email }) => ({ email, otp: wrong })),
  },
  {
    asks: 'users-api: send a code',
    ask: post('/users-api/api/users/send-phone-otp/', ({ phone }) => ({ phone })),
  },
  {
    asks: 'users-api: answer it',
    afterSeconds: 0,
    ask: post('/users-api/api/users/verify-phone-otp/', ({ phone }) => ({ phone, otp: wrong })),
  },
]

export const daySeconds = 25 * 3_600
