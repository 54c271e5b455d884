import { type Act, answering, sending, signedIn } from './act.js'
import { keepToken, liveToken, newPassword, type Person } from './person.js'
import { refreshing, resetting } from './tokens.js'

const life = { lifeSeconds: 600, most: 3 }
const national = ({ phone }: Person) => ({ phone: phone.slice(3), dialing_code: '91' })

/** A log-in by password; `token` finds what it gives. */
const logIn = (
  face: string,
  op: string,
  body: (who: Person, password: string) => object,
  token: (body: any) => unknown,
): Act => ({
  op,
  right: (who) => ({ body: body(who, who.password) }),
  wrong: (who) => ({ body: body(who, `${who.password}x`) }),
  learn: (who, answer) => keepToken(who, face, token(answer.body)),
})

const stagedPath = (name: string) => `POST /staged/api/auth/${name}`

const staged: Readonly<Record<string, Act>> = {
  register: sending(
    ['staged'],
    { ...life, lifeSeconds: 900 },
    {
      op: stagedPath('register'),
      right: ({ username, email, phone }) => ({ body: { username, email, phoneNumber: phone } }),
      learn: (who, { body }) => keepToken(who, 'staged', body.token),
    },
  ),
  verify: answering('staged', stagedPath('verify-phone'), ({ phone }, code) => ({
    body: { phoneNumber: phone, code },
  })),
  resend: sending(
    ['staged'],
    { ...life, lifeSeconds: 900 },
    {
      op: stagedPath('resend-phone-code'),
      right: ({ phone }) => ({ body: { phoneNumber: phone.slice(3) } }),
    },
  ),
  setPassword: signedIn('staged', stagedPath('change-password'), ({ password }) => ({
    body: { newPassword: password },
  })),
  changePassword: {
    ...signedIn(
      'staged',
      stagedPath('change-password'),
      (who) => ({ body: { newPassword: newPassword(who), currentPassword: who.password } }),
      (who, _answer, { body }) => void (who.password = (body as { newPassword: string }).newPassword),
    ),
    wrong: (who) => ({
      body: { newPassword: newPassword(who), currentPassword: 'not the password of anybody' },
      token: liveToken(who, 'staged'),
    }),
  },
  logIn: logIn(
    'staged',
    stagedPath('login'),
    ({ email }, password) => ({ email, password }),
    ({ token }) => token,
  ),
  logInByPhone: logIn(
    'staged',
    stagedPath('login'),
    ({ phone }, password) => ({ phoneNumber: phone, password }),
    ({ token }) => token,
  ),
}

const careopsPath = (name: string) => `POST /careops/api/auth/${name}`
const byEmail = (name: string, { email }: Person) => `/careops/api/auth/${name}?email=${encodeURIComponent(email)}`

const careops: Readonly<Record<string, Act>> = {
  register: sending(['careops'], life, {
    op: careopsPath('register'),
    right: ({ email, password, username, phone }) => ({
      body: { email, password, full_name: username, phone_number: phone },
    }),
  }),
  verify: answering('careops', careopsPath('verify-sms'), (who, code) => ({
    path: byEmail('verify-sms', who),
    body: { code },
  })),
  resend: sending(['careops'], life, {
    op: careopsPath('resend-sms'),
    right: (who) => ({ path: byEmail('resend-sms', who), body: {} }),
  }),
  logIn: logIn(
    'careops',
    careopsPath('login'),
    ({ email }, password) => ({ email, password }),
    ({ access_token }) => access_token,
  ),
  me: signedIn('careops', 'GET /careops/api/auth/me', () => ({})),
}

const jodimilanPath = (name: string) => `POST /jodimilan/api/auth/${name}`
const accessToken = ({ data }: { data?: { access_token?: string } }) => data?.access_token
const profile = { gender: 'Male', dob: '1990-01-01', profile_by: 'Self', mat_status: 'Unmarried' }
const ids = { religion: 1, caste: 1, country: 1, state: 1 }

const jodimilan: Readonly<Record<string, Act>> = {
  signUp: sending(['jodimilan'], life, {
    op: jodimilanPath('signup'),
    right: (who) => {
      const { username, email, password } = who
      return { body: { name: username, last_name: 'Doe', email, ...national(who), password, ...profile, ...ids } }
    },
  }),
  verify: answering(
    'jodimilan',
    jodimilanPath('verify-otp'),
    (who, otp) => ({ body: { ...national(who), otp } }),
    (who, { body }) => keepToken(who, 'jodimilan', accessToken(body)),
  ),
  // For a registration its code, for an account one to log in by.
  resend: sending(['jodimilan', 'jodimilan log-in'], life, {
    op: jodimilanPath('resend/otp'),
    right: (who) => ({ body: national(who) }),
  }),
  logIn: logIn('jodimilan', jodimilanPath('login'), ({ email }, password) => ({ email, password }), accessToken),
  logInByPhone: logIn(
    'jodimilan',
    jodimilanPath('login'),
    ({ phone }, password) => ({ email: phone.slice(3), dialing_code: '+91', password }),
    accessToken,
  ),
  logInById: {
    ...logIn(
      'jodimilan',
      jodimilanPath('login'),
      (_who, password) => ({ email: 'RYT999999999999999', password }),
      accessToken,
    ),
  },
  logInByCode: answering(
    'jodimilan log-in',
    jodimilanPath('otp/login'),
    (who, otp) => ({ body: { ...national(who), otp } }),
    (who, { body }) => keepToken(who, 'jodimilan', accessToken(body)),
  ),
}

const rentlyPath = (name: string) => `POST /rently/api/auth/${name}`
const whole = ({ username, email, phone, password }: Person) => ({
  name: username,
  email,
  phone,
  password,
  role: 'tenant',
})

const rently: Readonly<Record<string, Act>> = {
  initiate: sending(['rently'], life, { op: rentlyPath('signup-initiate'), right: (who) => ({ body: whole(who) }) }),
  verify: answering(
    'rently',
    rentlyPath('signup-verify-otp'),
    (who, otp) => ({ body: { ...whole(who), otp } }),
    (who, { body }) => keepToken(who, 'rently', body.token),
  ),
  forgot: sending(['rently forgot'], life, {
    op: rentlyPath('forgot-password-initiate'),
    right: ({ email, phone }) => ({ body: { email, phone } }),
  }),
  forgotVerify: answering(
    'rently forgot',
    rentlyPath('forgot-password-verify-otp'),
    ({ email }, otp) => ({ body: { email, otp } }),
    (who, { body }) => void who.resets.set('rently', [...(who.resets.get('rently') ?? []), body.resetToken]),
  ),
  reset: resetting('rently', rentlyPath('reset-password'), (resetToken, password, { email }) => ({
    email,
    resetToken,
    newPassword: password,
  })),
  logIn: logIn(
    'rently',
    rentlyPath('login'),
    ({ email }, password) => ({ email, password }),
    ({ token }) => token,
  ),
}

const usersPath = (name: string) => `POST /users-api/api/users/${name}`

const users: Readonly<Record<string, Act>> = {
  register: {
    op: usersPath('register'),
    right: ({ email, phone, password }) => ({
      body: { email, phone, password, password_confirm: password },
    }),
    learn(who, { body: { tokens } }) {
      keepToken(who, 'users-api', tokens.access)
      who.refresh.set('users-api', [tokens.refresh])
    },
  },
  send: sending(['users-api'], life, { op: usersPath('send-phone-otp'), right: ({ phone }) => ({ body: { phone } }) }),
  verify: answering('users-api', usersPath('verify-phone-otp'), ({ phone }, otp) => ({ body: { phone, otp } })),
  me: signedIn('users-api', 'GET /users-api/api/users/me', () => ({})),
  refresh: refreshing('users-api', usersPath('token/refresh'), 'refresh', (who, { body }) => {
    keepToken(who, 'users-api', body.access)
    return body.refresh
  }),
}

const named = (face: string, acts: Readonly<Record<string, Act>>) =>
  Object.entries(acts).map(([name, act]): [string, Act] => [`${face}.${name}`, act])

/** The documented APIs, as their front ends use them. */
export const dialectActs: Readonly<Record<string, Act>> = Object.fromEntries([
  ...named('staged', staged),
  ...named('careops', careops),
  ...named('jodimilan', jodimilan),
  ...named('rently', rently),
  ...named('users', users),
])
