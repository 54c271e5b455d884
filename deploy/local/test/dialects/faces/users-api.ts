import { type Face, hasOnly, isJson, isText, retryAfter } from './face.js'

const at = (path: string) => `/users-api/api${path}`

export const usersApi: Face = {
  name: 'users-api',
  codeLifeSeconds: 600,
  cooldownSeconds: 30,
  resends: 4,
  resend: 'repeat',
  registeringSends: false,
  loginNeedsProof: false,
  register: (by, { username, email, phone, password }, more) =>
    by.call('POST', at('/users/register/'), {
      email,
      phone,
      first_name: username,
      last_name: 'Doe',
      password,
      password_confirm: password,
      ...more,
    }),
  send: (by, { phone }) => by.call('POST', at('/users/send-phone-otp/'), { phone }),
  verify: (by, { phone }, otp, token) => by.call('POST', at('/users/verify-phone-otp/'), { phone, otp }, { token }),
  // The face has no log-in of its own: its accounts log in on /v1.
  logIn: (by, { phone, password }) => by.call('POST', '/v1/login', { identifier: phone, password }),
  opens: (by, token) => by.call('GET', at('/users/me/'), undefined, { token }),
  tokenIn: ({ body }) => body.tokens?.access,
  registered: {
    status: 201,
    body: { user: { id: Number, phone_verified: false }, tokens: { access: String, refresh: String } },
  },
  sent: { status: 200, body: { message: String, phone: String, expires_in: 600 } },
  verified: { status: 200, body: { message: String, phone_verified: true } },
  loggedIn: { status: 200, body: { user: { id: String } } },
  wrong: (left) => ({ status: 400, body: { otp: [String], attempts_left: left } }),
  exhausted: { status: 400, body: { otp: [String] } },
  cooling: { status: 429, body: { detail: /\b30\b/ }, headers: retryAfter },
  spent: { status: 429, body: { detail: String }, headers: retryAfter },
  limited: { status: 429, body: { detail: String }, headers: retryAfter },
  credentialsWrong: { status: 401 },
  secondFactor: { status: 202, body: { challenge: { purpose: 'second_factor' } } },
  invalid: (field) => ({ status: 400, body: { [field === 'code' ? 'otp' : field]: [String] } }),
  conflict: { status: 400 },
  isShaped: (error) =>
    isJson(error) &&
    ('detail' in error.body ? isText(error.body.detail) && hasOnly(error.body, 'detail') : namesFields(error.body)),
}

const namesFields = ({ attempts_left: left, ...fields }: Record<string, unknown>): boolean =>
  (left === undefined || Number.isInteger(left)) &&
  Object.keys(fields).length > 0 &&
  Object.values(fields).every((messages) => Array.isArray(messages) && messages.length > 0 && messages.every(isText))
