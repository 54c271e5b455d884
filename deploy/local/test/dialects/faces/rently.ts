import type { Person } from '../world.js'
import { type Face, hasOnly, isJson, isText, retryAfter } from './face.js'

const at = (path: string) => `/rently/api${path}`

const bodyOf = ({ username, email, phone, password }: Person) => ({
  name: username,
  email,
  phone,
  password,
  role: 'tenant',
})

export const rently: Face = {
  name: 'rently',
  codeLifeSeconds: 600,
  cooldownSeconds: 30,
  resends: null,
  resend: 'repeat',
  registeringSends: true,
  loginNeedsProof: true,
  register: (by, who, more) => by.call('POST', at('/auth/signup-initiate'), { ...bodyOf(who), ...more }),
  send: (by, who) => by.call('POST', at('/auth/signup-initiate'), bodyOf(who)),
  verify: (by, who, otp, token) => by.call('POST', at('/auth/signup-verify-otp'), { ...bodyOf(who), otp }, { token }),
  logIn: (by, { email, password }) => by.call('POST', at('/auth/login'), { email, password }),
  tokenIn: ({ body }) => body.token,
  registered: { status: 200, body: { message: 'OTP sent to your phone', otpSent: true } },
  sent: { status: 200, body: { message: 'OTP sent to your phone', otpSent: true } },
  verified: {
    status: 201,
    body: { message: 'User registered successfully', user: { id: /^[0-9a-f]{24}$/ }, token: String },
  },
  loggedIn: { status: 200, body: { user: { id: /^[0-9a-f]{24}$/ }, token: String } },
  wrong: (left) => ({ status: 400, body: { message: String, attemptsLeft: left } }),
  exhausted: { status: 400, body: { message: String } },
  cooling: { status: 429, body: { message: String }, headers: retryAfter },
  spent: { status: 429, body: { message: String }, headers: retryAfter },
  limited: { status: 429, body: { message: String }, headers: retryAfter },
  credentialsWrong: { status: 401, body: { message: String } },
  secondFactor: { status: 403, body: { message: String } },
  invalid: () => ({ status: 400, body: { message: String } }),
  conflict: { status: 400, body: { message: String } },
  isShaped: (error) => isJson(error) && isText(error.body.message) && hasOnly(error.body, 'message', 'attemptsLeft'),
}
