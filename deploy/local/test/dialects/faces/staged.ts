import { type Face, hasOnly, isJson, isText, retryAfter } from './face.js'

const at = (path: string) => `/staged/api${path}`

export const staged: Face = {
  name: 'staged',
  codeLifeSeconds: 900,
  cooldownSeconds: 60,
  resends: 4,
  resend: 'repeat',
  registeringSends: true,
  loginNeedsProof: true,
  register: (by, { username, email, phone }, more) =>
    by.call('POST', at('/auth/register'), { username, email, phoneNumber: phone, ...more }),
  send: (by, { phone }) => by.call('POST', at('/auth/resend-phone-code'), { phoneNumber: phone }),
  verify: (by, { phone }, code, token) =>
    by.call('POST', at('/auth/verify-phone'), { phoneNumber: phone, code }, { token }),
  logIn: (by, { username, password }) => by.call('POST', at('/auth/login'), { username, password }),
  opens: (by, token) => by.call('POST', at('/auth/change-password'), { newPassword: 'short' }, { token }),
  tokenIn: ({ body }) => body.token,
  registered: { status: 201, body: { message: String, token: String, user: { isPhoneVerified: false } } },
  sent: { status: 200, body: { message: String, cooldown: 60 } },
  verified: { status: 200, body: { message: String, user: { isPhoneVerified: true } } },
  loggedIn: { status: 200, body: { message: String, token: String, user: { isPhoneVerified: true } } },
  wrong: (left) => ({ status: 400, body: { message: String, attemptsLeft: left } }),
  exhausted: { status: 429, body: { message: String } },
  cooling: { status: 429, body: { message: /60/, retryAfter: Number }, headers: retryAfter },
  spent: { status: 429, body: { message: String }, headers: retryAfter },
  limited: { status: 429, body: { message: String }, headers: retryAfter },
  credentialsWrong: { status: 401, body: { message: String } },
  secondFactor: { status: 403, body: { message: String } },
  invalid: () => ({ status: 400, body: { message: String, errors: Array } }),
  conflict: { status: 409, body: { message: String } },
  isShaped: (error) =>
    isJson(error) &&
    isText(error.body.message) &&
    hasOnly(error.body, 'message', 'errors', 'attemptsLeft', 'retryAfter'),
}
