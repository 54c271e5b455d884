import { Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import { Session, Strict, TokenInput } from './shapes.js'

export const refreshSession = endpoint({
  method: 'POST',
  path: '/token/refresh',
  summary: 'Swap a refresh token for the next one and a new access token',
  body: Strict({ refreshToken: TokenInput }),
  replies: { 200: Type.Object({ session: Session }) },
  fails: ['request.invalid', 'token.invalid', 'rate.limited', 'unavailable'],
})

export const endSession = endpoint({
  method: 'POST',
  path: '/logout',
  summary: 'End this session, or with `all` every session of the account',
  bearer: true,
  body: Type.Union([Strict({ all: Type.Optional(Type.Boolean()) }), Type.Null()]),
  replies: { 204: Type.Null() },
  fails: ['request.invalid', 'token.invalid', 'rate.limited', 'unavailable'],
})
