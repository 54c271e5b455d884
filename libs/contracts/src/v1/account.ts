import { Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import { Challenge, EmailInput, PasswordInput, PhoneInput, Strict, TokenInput, User } from './shapes.js'

const password = {
  ...PasswordInput,
  description: 'The current one. Not needed within ten minutes of the sign-in; a refresh is no sign-in.',
}
const reproofFails = [
  'request.invalid',
  'credentials.wrong',
  'token.invalid',
  'forbidden',
  'rate.limited',
  'unavailable',
] as const

export const changePhone = endpoint({
  method: 'POST',
  path: '/me/phone',
  summary:
    'Change the phone: sends a code to the new one; the old one is told once it is proved, with a way to undo it',
  bearer: true,
  body: Strict({ phone: PhoneInput, password: Type.Optional(password) }),
  replies: { 202: Type.Object({ challenge: Challenge }) },
  fails: [...reproofFails, 'account.unverified'],
})

export const changeEmail = endpoint({
  method: 'POST',
  path: '/me/email',
  summary:
    'Change or prove the e-mail: mails a code to it; the old one is told once it is proved, with a way to undo it. Refused where no mail can be sent',
  bearer: true,
  body: Strict({ email: EmailInput, password: Type.Optional(password) }),
  replies: { 202: Type.Object({ challenge: Challenge }) },
  fails: [...reproofFails, 'account.unverified'],
})

export const undoChange = endpoint({
  method: 'POST',
  path: '/undo',
  summary: 'Undo a change of phone or e-mail, within 24 hours; every session ends and the password has to be reset',
  body: Strict({ token: { ...TokenInput, description: 'From the message to the old phone or e-mail.' } }),
  replies: { 204: Type.Null() },
  fails: ['request.invalid', 'undo.gone', 'account.exists', 'rate.limited', 'unavailable'],
})

export const setSecondFactor = endpoint({
  method: 'PUT',
  path: '/me/second-factor',
  summary: 'Switch the second factor on or off: a log-in then takes password and code',
  bearer: true,
  body: Strict({ enabled: Type.Boolean(), password: { ...PasswordInput, description: 'The current one.' } }),
  replies: { 200: Type.Object({ user: User }) },
  fails: [...reproofFails, 'account.unverified'],
})

export const deleteMe = endpoint({
  method: 'DELETE',
  path: '/me',
  summary: 'Delete the account, with everything that is kept about it',
  bearer: true,
  body: Type.Union([Strict({ password: Type.Optional(password) }), Type.Null()]),
  replies: { 204: Type.Null() },
  fails: reproofFails,
})
