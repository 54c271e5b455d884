import { type Face, hasOnly, isJson, isText, retryAfter } from './face.js'

const at = (path: string, email?: string) =>
  `/careops/api${path}${email === undefined ? '' : `?email=${encodeURIComponent(email)}`}`

export const careops: Face = {
  name: 'careops',
  codeLifeSeconds: 600,
  cooldownSeconds: 30,
  resends: 4,
  resend: 'rotate',
  registeringSends: true,
  loginNeedsProof: false,
  register: (by, { email, password, username, phone }, more) =>
    by.call('POST', at('/auth/register'), {
      email,
      password,
      full_name: username,
      phone_number: phone,
      ...more,
    }),
  send: (by, { email }) => by.call('POST', at('/auth/resend-sms', email)),
  verify: (by, { email }, code, token) => by.call('POST', at('/auth/verify-sms', email), { code }, { token }),
  logIn: (by, { email, password }) => by.call('POST', at('/auth/login'), { email, password }),
  opens: (by, token) => by.call('GET', at('/auth/me'), undefined, { token }),
  tokenIn: ({ body }) => body.access_token,
  registered: { status: 201, body: { id: Number, is_phone_verified: false, sms_status: /^(queued|skipped)$/ } },
  sent: { status: 200, body: { status: 'success', message: 'Code resent' } },
  verified: { status: 200, body: { status: 'success', message: 'Phone verified' } },
  loggedIn: { status: 200, body: { access_token: String, token_type: 'bearer', user: { id: Number } } },
  wrong: (left) => ({ status: 400, body: { detail: new RegExp(`\\b${left}\\b`) } }),
  exhausted: { status: 400, body: { detail: String } },
  cooling: { status: 429, body: { detail: /\b30\b/ }, headers: retryAfter },
  spent: { status: 429, body: { detail: String }, headers: retryAfter },
  limited: { status: 429, body: { detail: String }, headers: retryAfter },
  credentialsWrong: { status: 401, body: { detail: String } },
  secondFactor: { status: 403, body: { detail: String } },
  invalid: (field) => ({
    status: 422,
    body: {
      detail: [{ loc: ['body', field === 'phone' ? 'phone_number' : field], msg: String, type: String }],
    },
  }),
  conflict: { status: 400, body: { detail: String } },
  isShaped: (error) =>
    isJson(error) &&
    hasOnly(error.body, 'detail') &&
    (error.status === 422 ? isValidation(error.body.detail) : isText(error.body.detail)),
}

const isValidation = (detail: unknown): boolean =>
  Array.isArray(detail) &&
  detail.length > 0 &&
  detail.every(
    (one: { loc: unknown; msg: unknown; type: unknown }) =>
      Array.isArray(one.loc) && isText(one.msg) && isText(one.type),
  )
