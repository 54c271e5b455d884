import { endpoint } from '@latchkey/contracts/endpoint'
import { Type } from 'typebox'

const Text = (longest: number, example: string) =>
  Type.String({ minLength: 1, maxLength: longest, examples: [example] })
const Username = Text(32, 'asha.rao')
const Email = Text(254, 'asha@example.com')
const PhoneNumber = Text(40, '9876543210')
const Password = Text(1_024, 'correct horse battery staple')
const message = Type.String()
const token = Type.String()

/** A person as this API shows one. */
export const User = Type.Object({
  id: Type.Integer(),
  username: Type.Union([Type.String(), Type.Null()]),
  email: Type.Union([Type.String(), Type.Null()]),
  phoneNumber: Type.Union([Type.String(), Type.Null()]),
  isPhoneVerified: Type.Boolean(),
  role: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
  updatedAt: Type.String({ format: 'date-time' }),
})

export const register = endpoint({
  method: 'POST',
  path: '/api/auth/register',
  summary: 'Create an unverified user, send a code, return a token',
  body: Type.Object({ username: Username, email: Email, phoneNumber: PhoneNumber }),
  replies: { 201: Type.Object({ message, token, user: User }) },
  fails: ['request.invalid', 'account.exists', 'rate.limited', 'unavailable'],
})

export const verifyPhone = endpoint({
  method: 'POST',
  path: '/api/auth/verify-phone',
  summary: 'Verify the phone by the code from the SMS',
  body: Type.Object({ phoneNumber: PhoneNumber, code: Text(16, '492817') }),
  replies: { 200: Type.Object({ message, user: User }) },
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

export const resendPhoneCode = endpoint({
  method: 'POST',
  path: '/api/auth/resend-phone-code',
  summary: 'Send the code again',
  body: Type.Object({ phoneNumber: PhoneNumber }),
  replies: { 200: Type.Object({ message, cooldown: Type.Integer({ description: 'Seconds until the next resend.' }) }) },
  fails: ['request.invalid', 'challenge.resends_spent', 'rate.limited', 'unavailable'],
})

export const changePassword = endpoint({
  method: 'POST',
  path: '/api/auth/change-password',
  summary: 'Set the password once the phone is verified; `currentPassword` once there is one',
  bearer: true,
  body: Type.Object({ newPassword: Password, currentPassword: Type.Optional(Password) }),
  replies: { 200: Type.Object({ message }) },
  fails: [
    'request.invalid',
    'password.weak',
    'credentials.wrong',
    'token.invalid',
    'account.unverified',
    'rate.limited',
    'unavailable',
  ],
})

export const login = endpoint({
  method: 'POST',
  path: '/api/auth/login',
  summary: 'Log in by one of `username`, `email` and `phoneNumber`',
  body: Type.Object({
    username: Type.Optional(Username),
    email: Type.Optional(Email),
    phoneNumber: Type.Optional(PhoneNumber),
    password: Password,
  }),
  replies: { 200: Type.Object({ message, token, user: User }) },
  fails: [
    'request.invalid',
    'credentials.wrong',
    'account.unverified',
    'account.disabled',
    'account.second_factor',
    'rate.limited',
    'unavailable',
  ],
})
