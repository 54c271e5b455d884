import { type Static, Type } from 'typebox'
import { Email } from '../address.js'
import { endpoint } from '../endpoint.js'
import { E164 } from '../phone.js'
import { Strict, TokenInput } from '../v1/shapes.js'
import { Identifier } from './users.js'

// What the gateway asks about whoever owns an identifier before anything is sent to him, or guessed about him.

/** What a caller brings to be known as a device of an account: its token, or a session he proved by its access token. */
export const KnownBy = Strict({
  deviceToken: Type.Optional(TokenInput),
  sessionId: Type.Optional(Type.String({ format: 'uuid' })),
})
export type KnownBy = Static<typeof KnownBy>

export const findPhone = endpoint({
  method: 'POST',
  path: '/internal/people/find-phone',
  summary: 'The verified phone and e-mail of an account, or null, and whether the caller is a device of that account',
  body: Strict({ identifier: Identifier, knownBy: Type.Optional(KnownBy) }),
  replies: {
    200: Type.Object({
      phone: Type.Union([E164, Type.Null()]),
      email: Type.Optional(Type.Union([Email, Type.Null()])),
      known: Type.Boolean(),
    }),
  },
  fails: ['request.invalid', 'unavailable'],
})
