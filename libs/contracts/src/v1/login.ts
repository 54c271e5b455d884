import { Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import {
  Challenge,
  IdentifierInput,
  PasswordInput,
  PhoneInput,
  Session,
  DeviceTokenInput,
  Strict,
  User,
} from './shapes.js'

export const signInWithPassword = endpoint({
  method: 'POST',
  path: '/login',
  summary: 'Log in by password; where a second factor is on, a code goes to the phone of the account',
  body: Strict({ identifier: IdentifierInput, password: PasswordInput, deviceToken: Type.Optional(DeviceTokenInput) }),
  replies: { 200: Type.Object({ user: User, session: Session }), 202: Type.Object({ challenge: Challenge }) },
  fails: [
    'request.invalid',
    'credentials.wrong',
    'account.disabled',
    'account.second_factor',
    'rate.limited',
    'unavailable',
  ],
})

export const signInWithCode = endpoint({
  method: 'POST',
  path: '/login/code',
  summary: 'Log in by code: sends a code to the phone, if it has an account',
  body: Strict({ phone: PhoneInput, deviceToken: Type.Optional(DeviceTokenInput) }),
  replies: { 202: Type.Object({ challenge: Challenge }) },
  fails: ['request.invalid', 'rate.limited', 'unavailable'],
})

export const forgotPassword = endpoint({
  method: 'POST',
  path: '/password/forgot',
  summary: 'Forgotten password: sends a code to the phone of the account, if there is one',
  body: Strict({ identifier: IdentifierInput, deviceToken: Type.Optional(DeviceTokenInput) }),
  replies: { 202: Type.Object({ challenge: Challenge }) },
  fails: ['request.invalid', 'rate.limited', 'unavailable'],
})
