import { endpoint } from '@latchkey/contracts/endpoint'
import { IgnoredBody } from '@latchkey/kit/mount'
import { Type } from 'typebox'

const Text = (longest: number, example: string) =>
  Type.String({ minLength: 1, maxLength: longest, examples: [example] })
const Email = Type.String({ maxLength: 254, pattern: '@', examples: ['asha@example.com'] })
const Password = Text(1_024, 'correct horse battery staple')
const ByEmail = Type.Object({ email: Email })

/** A person as this API shows one. */
const User = Type.Object({
  id: Type.Integer(),
  email: Type.Union([Type.String(), Type.Null()]),
  full_name: Type.Union([Type.String(), Type.Null()]),
  phone_number: Type.Union([Type.String(), Type.Null()]),
  is_active: Type.Boolean(),
  is_phone_verified: Type.Boolean(),
  created_at: Type.String({ format: 'date-time' }),
})
const Done = Type.Object({ status: Type.Literal('success'), message: Type.String() })

export const register = endpoint({
  method: 'POST',
  path: '/api/auth/register',
  summary: 'Create a user; a phone number gets a code',
  body: Type.Object({
    email: Email,
    password: Password,
    full_name: Text(200, 'Asha Rao'),
    phone_number: Type.Optional(Type.Union([Type.String({ maxLength: 40, examples: ['+919876543210'] }), Type.Null()])),
  }),
  replies: {
    201: Type.Object({
      ...User.properties,
      sms_status: Type.Enum(['queued', 'skipped'], { description: 'Whether a code is on its way.' }),
    }),
  },
  fails: ['request.invalid', 'password.weak', 'account.exists', 'rate.limited', 'unavailable'],
})

export const verifySms = endpoint({
  method: 'POST',
  path: '/api/auth/verify-sms',
  summary: 'Verify the phone by the code from the SMS',
  query: ByEmail,
  body: Type.Object({ code: Text(16, '492817') }),
  replies: { 200: Done },
  fails: [
    'request.invalid',
    'challenge.wrong',
    'challenge.gone',
    'challenge.exhausted',
    'account.exists',
    'rate.limited',
    'unavailable',
  ],
})

export const resendSms = endpoint({
  method: 'POST',
  path: '/api/auth/resend-sms',
  summary: 'Send a new code',
  query: ByEmail,
  body: IgnoredBody,
  replies: { 200: Done },
  fails: ['request.invalid', 'challenge.resends_spent', 'rate.limited', 'unavailable'],
})

export const login = endpoint({
  method: 'POST',
  path: '/api/auth/login',
  summary: 'Log in, whether or not the phone is verified',
  body: Type.Object({ email: Email, password: Password }),
  replies: { 200: Type.Object({ access_token: Type.String(), token_type: Type.Literal('bearer'), user: User }) },
  fails: [
    'request.invalid',
    'credentials.wrong',
    'account.disabled',
    'account.second_factor',
    'rate.limited',
    'unavailable',
  ],
})

export const me = endpoint({
  method: 'GET',
  path: '/api/auth/me',
  summary: 'The user of the token',
  bearer: true,
  replies: { 200: User },
  fails: ['token.invalid', 'rate.limited', 'unavailable'],
})
