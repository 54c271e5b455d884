import { Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import { NameInput, Profile, Strict, User, UsernameInput } from './shapes.js'

const replies = { 200: Type.Object({ user: User }) }

export const getMe = endpoint({
  method: 'GET',
  path: '/me',
  summary: 'The signed-in person',
  bearer: true,
  replies,
  fails: ['token.invalid', 'rate.limited', 'unavailable'],
})

export const patchMe = endpoint({
  method: 'PATCH',
  path: '/me',
  summary: 'Change name, username or profile; what is left out stays, `null` clears',
  bearer: true,
  body: Strict({
    name: Type.Optional(Type.Union([NameInput, Type.Null()])),
    username: Type.Optional(Type.Union([UsernameInput, Type.Null()])),
    profile: Type.Optional(Profile),
  }),
  replies,
  fails: ['request.invalid', 'token.invalid', 'rate.limited', 'unavailable'],
})
