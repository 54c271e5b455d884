import { endpoint } from '@latchkey/contracts/endpoint'
import { Type } from 'typebox'

const Text = (longest: number, example: string) =>
  Type.String({ minLength: 1, maxLength: longest, examples: [example] })
/** A text that is more than blanks. */
const Word = (longest: number, example: string) =>
  Type.String({ pattern: '\\S', maxLength: longest, examples: [example] })
const Email = Type.String({ minLength: 3, maxLength: 254, pattern: '@', examples: ['john@example.com'] })
const Phone = Text(40, '+919876543210')
const Password = Text(1_024, 'correct horse battery staple')
const Otp = Text(16, '492817')
const message = Type.String()
const otpSent = Type.Literal(true)
const account = {
  name: Word(200, 'John Doe'),
  email: Email,
  phone: Phone,
  password: Password,
  role: Text(32, 'tenant'),
}

/** A person as this API shows one. */
const User = Type.Object({
  id: Type.String({ pattern: '^[0-9a-f]{24}$' }),
  name: Type.Union([Type.String(), Type.Null()]),
  email: Type.Union([Type.String(), Type.Null()]),
  role: Type.String(),
})

export const signupInitiate = endpoint({
  method: 'POST',
  path: '/api/auth/signup-initiate',
  summary: 'Send a code to the phone; nothing is created yet',
  body: Type.Object(account),
  replies: { 200: Type.Object({ message, email: Type.String(), phone: Type.String(), otpSent }) },
  fails: ['request.invalid', 'password.weak', 'challenge.resends_spent', 'rate.limited', 'unavailable'],
})

export const signupVerifyOtp = endpoint({
  method: 'POST',
  path: '/api/auth/signup-verify-otp',
  summary: 'Create the account by the code from the SMS',
  body: Type.Object({ ...account, otp: Otp }),
  replies: { 201: Type.Object({ message, user: User, token: Type.String() }) },
  fails: [
    'request.invalid',
    'password.weak',
    'challenge.wrong',
    'challenge.gone',
    'challenge.exhausted',
    'account.exists',
    'rate.limited',
    'unavailable',
  ],
})

export const forgotPasswordInitiate = endpoint({
  method: 'POST',
  path: '/api/auth/forgot-password-initiate',
  summary: 'Send a code to the phone of an account; the answer is the same where there is none',
  body: Type.Object({ email: Email, phone: Phone }),
  replies: { 200: Type.Object({ message, email: Type.String(), otpSent }) },
  fails: ['request.invalid', 'challenge.resends_spent', 'rate.limited', 'unavailable'],
})

export const forgotPasswordVerifyOtp = endpoint({
  method: 'POST',
  path: '/api/auth/forgot-password-verify-otp',
  summary: 'Get a reset token by the code from the SMS',
  body: Type.Object({ email: Email, otp: Otp }),
  replies: { 200: Type.Object({ message, resetToken: Type.String(), email: Type.String() }) },
  fails: ['request.invalid', 'challenge.wrong', 'challenge.gone', 'challenge.exhausted', 'rate.limited', 'unavailable'],
})

export const resetPassword = endpoint({
  method: 'POST',
  path: '/api/auth/reset-password',
  summary: 'Set a new password by a reset token; every session ends',
  body: Type.Object({ email: Email, newPassword: Password, resetToken: Text(512, 'as given before') }),
  replies: { 200: Type.Object({ message }) },
  fails: ['request.invalid', 'password.weak', 'reset.gone', 'rate.limited', 'unavailable'],
})

export const login = endpoint({
  method: 'POST',
  path: '/api/auth/login',
  summary: 'Log in by e-mail and password',
  body: Type.Object({ email: Email, password: Password }),
  replies: { 200: Type.Object({ user: User, token: Type.String() }) },
  fails: [
    'request.invalid',
    'credentials.wrong',
    'account.disabled',
    'account.second_factor',
    'rate.limited',
    'unavailable',
  ],
})
