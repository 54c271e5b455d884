import { type Face, hasOnly, isJson, isText, retryAfter } from './face.js'

const at = (path: string) => `/jodimilan/api${path}`

const national = (phone: string) => ({ phone: phone.slice(3), dialing_code: phone.slice(1, 3) })

export const jodimilan: Face = {
  name: 'jodimilan',
  codeLifeSeconds: 600,
  cooldownSeconds: 30,
  resends: 3,
  resend: 'repeat',
  registeringSends: true,
  loginNeedsProof: true,
  register: (by, { username, email, phone, password }, more) =>
    by.call('POST', at('/auth/signup'), {
      name: username,
      last_name: 'Doe',
      email,
      ...national(phone),
      password,
      gender: 'Male',
      dob: '1990-01-01',
      profile_by: 'Self',
      mat_status: 'Unmarried',
      religion: 1,
      caste: 1,
      country: 1,
      state: 1,
      ...more,
    }),
  send: (by, { phone }) => by.call('POST', at('/auth/resend/otp'), national(phone)),
  verify: (by, { phone }, otp, token) =>
    by.call('POST', at('/auth/verify-otp'), { ...national(phone), otp }, { token }),
  logIn: (by, { email, password }) => by.call('POST', at('/auth/login'), { email, password }),
  tokenIn: ({ body }) => body.data?.access_token,
  registered: { status: 201, body: { code: 201, success: true, data: { user_id: Number } } },
  sent: { status: 200, body: { code: 200, success: true, message: 'OTP resent successfully' } },
  verified: { status: 200, body: { code: 200, success: true, data: { access_token: String, user_id: Number } } },
  loggedIn: {
    status: 200,
    body: { code: 200, success: true, data: { access_token: String, token_type: 'Bearer', user_id: Number } },
  },
  wrong: (left) => ({ status: 400, body: { code: 400, success: false, data: { attempts_left: left } } }),
  exhausted: { status: 400, body: { code: 400, success: false, message: String } },
  cooling: {
    status: 400,
    body: { code: 400, success: false, message: 'Please wait 30 seconds before resending OTP' },
    headers: retryAfter,
  },
  spent: { status: 400, body: { code: 400, success: false, message: 'Maximum OTP resend attempts reached' } },
  limited: { status: 429, body: { code: 429, success: false, message: String }, headers: retryAfter },
  credentialsWrong: { status: 401, body: { code: 401, success: false, message: String } },
  secondFactor: { status: 403, body: { code: 403, success: false, message: String } },
  invalid: () => ({ status: 422, body: { code: 422, success: false, message: String, data: { errors: Object } } }),
  conflict: { status: 409, body: { code: 409, success: false, message: String } },
  isShaped: (error) =>
    isJson(error) &&
    error.body.code === error.status &&
    error.body.success === false &&
    isText(error.body.message) &&
    hasOnly(error.body, 'code', 'success', 'message', 'data'),
}
