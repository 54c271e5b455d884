import { Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import { PasswordInput, Strict, TokenInput } from './shapes.js'

export const resetPassword = endpoint({
  method: 'POST',
  path: '/password/reset',
  summary: 'Set a new password by a reset token; every session of the account ends',
  body: Strict({ resetToken: TokenInput, newPassword: PasswordInput }),
  replies: { 204: Type.Null() },
  fails: ['request.invalid', 'password.weak', 'reset.gone', 'rate.limited', 'unavailable'],
})

export const changePassword = endpoint({
  method: 'POST',
  path: '/me/password',
  summary: 'Set a new password; every other session of the account ends',
  bearer: true,
  body: Strict({
    newPassword: PasswordInput,
    currentPassword: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
  }),
  replies: { 204: Type.Null() },
  fails: [
    'request.invalid',
    'password.weak',
    'credentials.wrong',
    'token.invalid',
    'forbidden',
    'rate.limited',
    'unavailable',
  ],
})
