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
  summary: 'Start an account: sends a code to the phone',
  body: Strict({
    phone: Type.Optional(PhoneInput),
    email: Type.Optional(EmailInput),
    password: Type.Optional(PasswordInput),
    name: Type.Optional(NameInput),
    username: Type.Optional(UsernameInput),
    role: Type.Optional(Type.String({ maxLength: 32 })),
    profile: Type.Optional(Profile),
  }),
  replies: { 202: Type.Object({ challenge: Challenge }) },
  fails: ['request.invalid', 'password.weak', 'rate.limited', 'unavailable'],
})
