import { Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import { E164 } from '../phone.js'
import { Profile, type Purpose, Strict, User } from '../v1/shapes.js'
import { ClientKey, Face, IssuedSession, PasswordRules, Proof } from './users.js'

// What the gateway asks of users about accounts before their proof.

/** What a code that goes to a registration may be for; every other purpose is about an account. */
export const registrationPurposes: ReadonlySet<Purpose> = new Set(['sign_up', 'verify_phone'])

/** What waits sealed in the challenge of an account that exists before its proof. */
export const PendingRegistration = Strict({ registrationId: Type.String({ format: 'uuid' }) })

/** An account before its phone is proved, as some documented APIs create it: it loses every claim to whoever proves. */
export const register = endpoint({
  method: 'POST',
  path: '/internal/registrations',
  summary: 'Create an account that claims a phone, or an active one without a phone, and its first session',
  body: Strict({
    face: Face,
    client: ClientKey,
    phone: Type.Union([E164, Type.Null()]),
    email: Type.String(),
    username: Type.Union([Type.String(), Type.Null()]),
    password: Type.Union([Type.String(), Type.Null()]),
    rules: PasswordRules,
    name: Type.Union([Type.String(), Type.Null()]),
    role: Type.String(),
    profile: Profile,
    /** Conflicts with proved accounts are not told; the registration then claims what it cannot get. */
    hideConflicts: Type.Boolean(),
    /** The account goes on without a phone where somebody else proves the one it claims. */
    phoneOptional: Type.Optional(Type.Boolean()),
  }),
  replies: {
    201: Type.Object({
      user: User,
      session: IssuedSession,
      /** The phone belongs to a proved account; only where conflicts are hidden. */
      taken: Type.Boolean(),
    }),
  },
  fails: ['request.invalid', 'password.weak', 'account.exists', 'unavailable'],
})

/** A registration by the phone or e-mail it claims. */
const Claimed = Strict({ kind: Type.Enum(['phone', 'email']), value: Type.String({ minLength: 1, maxLength: 254 }) })

const Found = Type.Object({ id: Type.String({ format: 'uuid' }), phone: E164 })

export const findRegistration = endpoint({
  method: 'POST',
  path: '/internal/registrations/find',
  summary: 'The registration a caller means: that of his session, the only one, or the newest of his client',
  body: Strict({
    face: Face,
    by: Claimed,
    client: ClientKey,
    userId: Type.Optional(Type.String({ format: 'uuid' })),
  }),
  replies: {
    200: Type.Object({
      registration: Type.Union([Found, Type.Null()]),
      /** Instead of it, by an e-mail: one whose phone belongs to a proved account, as there are where conflicts are hidden. Nothing is sent for it. */
      shadow: Type.Union([Found, Type.Null()]),
      /** Whether a proved account holds the phone or e-mail. */
      proved: Type.Boolean(),
    }),
  },
  fails: ['request.invalid', 'unavailable'],
})

export const proveRegistration = endpoint({
  method: 'POST',
  path: '/internal/registrations/prove',
  summary: 'Make a registration the account of its proved phone, once per challenge; other claims on the phone end',
  body: Strict({
    ...Proof,
    registrationId: Type.String({ format: 'uuid' }),
    phone: E164,
    face: Face,
    /** Whether a session is to be opened for who proved. */
    signIn: Type.Boolean(),
  }),
  replies: { 200: Type.Object({ user: User, session: Type.Union([IssuedSession, Type.Null()]) }) },
  fails: ['request.invalid', 'challenge.gone', 'account.exists', 'unavailable'],
})

export const dropRegistration = endpoint({
  method: 'DELETE',
  path: '/internal/registrations/:registrationId',
  summary: 'Take back a registration whose caller was told that it failed',
  params: Strict({ registrationId: Type.String({ format: 'uuid' }) }),
  replies: { 204: Type.Null() },
  fails: ['request.invalid', 'unavailable'],
})
