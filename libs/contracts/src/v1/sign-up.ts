import { Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import {
  Challenge,
  EmailInput,
  NameInput,
  PasswordInput,
  PhoneInput,
  Profile,
  Strict,
  UsernameInput,
} from './shapes.js'

export const signUp = endpoint({
  method: 'POST',
  path: '/signup',
  summary: 'Start an account: sends a code to the phone, without one to the e-mail',
  body: Strict({
    phone: Type.Optional({
      ...PhoneInput,
      description: 'A mobile number with its country code. Required where no mail can be sent.',
    }),
    email: Type.Optional(EmailInput),
    password: Type.Optional(PasswordInput),
    name: Type.Optional(NameInput),
    username: Type.Optional(UsernameInput),
    role: Type.Optional(
      Type.String({
        maxLength: 32,
        description: 'One that this service lets people choose (`SIGNUP_ROLES`); without it, the first of them.',
      }),
    ),
    profile: Type.Optional(Profile),
  }),
  replies: { 202: Type.Object({ challenge: Challenge }) },
  fails: ['request.invalid', 'password.weak', 'rate.limited', 'unavailable'],
})
