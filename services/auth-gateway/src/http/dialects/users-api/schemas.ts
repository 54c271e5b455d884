import { endpoint } from '@latchkey/contracts/endpoint'
import { Type } from 'typebox'

const Text = (longest: number, example: string) =>
  Type.String({ minLength: 1, maxLength: longest, examples: [example] })
const Name = (example: string) => Type.Optional(Type.String({ maxLength: 100, examples: [example] }))
const Phone = Text(40, '+919876543210')
const Password = Text(1_024, 'correct horse battery staple')
const time = Type.String({ format: 'date-time' })
const Tokens = { access: Type.String(), refresh: Type.String() }

/** A person as this API shows one. */
const User = Type.Object({
  id: Type.Integer(),
  email: Type.Union([Type.String(), Type.Null()]),
  phone: Type.Union([Type.String(), Type.Null()]),
  first_name: Type.String(),
  last_name: Type.String(),
  phone_verified: Type.Boolean(),
  email_verified: Type.Boolean(),
  created_at: time,
  updated_at: time,
})

export const register = endpoint({
  method: 'POST',
  path: '/api/users/register/',
  summary: 'Create a user; sends no code',
  body: Type.Object({
    email: Text(254, 'asha@example.com'),
    phone: Phone,
    first_name: Name('Asha'),
    last_name: Name('Rao'),
    name: Name('Asha Rao'),
    password: Password,
    password_confirm: Password,
  }),
  replies: { 201: Type.Object({ user: User, tokens: Type.Object(Tokens) }) },
  fails: ['request.invalid', 'password.weak', 'account.exists', 'rate.limited', 'unavailable'],
})

export const sendPhoneOtp = endpoint({
  method: 'POST',
  path: '/api/users/send-phone-otp/',
  summary: 'Send a code to a phone, with its country code',
  body: Type.Object({ phone: Phone }),
  replies: {
    200: Type.Object({
      message: Type.String(),
      phone: Type.String(),
      expires_in: Type.Integer({ description: 'Seconds.' }),
    }),
  },
  fails: ['request.invalid', 'challenge.resends_spent', 'rate.limited', 'unavailable'],
})

export const verifyPhoneOtp = endpoint({
  method: 'POST',
  path: '/api/users/verify-phone-otp/',
  summary: 'Verify the phone by the code from the SMS',
  body: Type.Object({ phone: Phone, otp: Text(16, '492817') }),
  replies: { 200: Type.Object({ message: Type.String(), phone_verified: Type.Literal(true) }) },
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

export const me = endpoint({
  method: 'GET',
  path: '/api/users/me/',
  summary: 'The user of the access token',
  bearer: true,
  replies: { 200: User },
  fails: ['token.invalid', 'rate.limited', 'unavailable'],
})

export const refreshToken = endpoint({
  method: 'POST',
  path: '/api/users/token/refresh/',
  summary: 'Swap a refresh token for the next one and a new access token',
  body: Type.Object({ refresh: Type.String({ minLength: 1, maxLength: 2_048 }) }),
  replies: { 200: Type.Object(Tokens) },
  fails: ['request.invalid', 'token.invalid', 'rate.limited', 'unavailable'],
})
