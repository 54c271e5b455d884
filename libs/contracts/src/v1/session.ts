import { Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import { Session, SessionListed, Strict, TokenInput } from './shapes.js'

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

export const listSessions = endpoint({
  method: 'GET',
  path: '/sessions',
  summary: 'Where this account is signed in, this session first; a hundred at most',
  bearer: true,
  replies: { 200: Type.Object({ sessions: Type.Array(SessionListed) }) },
  fails: ['token.invalid', 'rate.limited', 'unavailable'],
})

export const endOneSession = endpoint({
  method: 'DELETE',
  path: '/sessions/:id',
  summary: 'End one session of this account; what is none of them, or has ended, is not found',
  bearer: true,
  params: Strict({ id: Type.String() }),
  replies: { 204: Type.Null() },
  fails: ['token.invalid', 'not.found', 'rate.limited', 'unavailable'],
})
