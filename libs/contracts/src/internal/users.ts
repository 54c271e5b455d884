import { type Static, Type } from 'typebox'
import { Address } from '../address.js'
import { DeliveryReason, DeliveryState } from '../delivery.js'
import { endpoint, Problem } from '../endpoint.js'
import { E164 } from '../phone.js'
import { ChallengeId, Conflicts, Profile, SessionListed, Strict, Timestamp, TokenInput, User } from '../v1/shapes.js'

// What the gateway asks of users. Every call carries `Authorization: Bearer <INTERNAL_SECRET>`, `x-request-id`, and the `User-Agent`
// of the caller, of which a session keeps what its owner may know it by.

/**
 * How users refuses. `effect` is `none` where nothing was written and nothing of this call will be: it may be made again at once.
 * `unknown`, or nothing said, means that it may have had its effect (a lost commit, a handler that is still at work).
 */
export const Refusal = Type.Object({
  ...Problem.properties,
  effect: Type.Optional(Type.Enum(['none', 'unknown'])),
})
export type Refusal = Static<typeof Refusal>

export const Identifier = Strict({
  kind: Type.Enum(['phone', 'email', 'username', 'number']),
  value: Type.String({ minLength: 1, maxLength: 254 }),
})
export type Identifier = Static<typeof Identifier>

/** Which rules a new password must keep: those of /v1, or the few that hold where a documented API allows shorter ones. */
export const PasswordRules = Type.Enum(['standard', 'lenient'])
export type PasswordRules = Static<typeof PasswordRules>

/** A keyed hash that tells one client (network and program) from another without naming it. */
export const ClientKey = Type.String({ minLength: 1, maxLength: 64 })

/** The face a session belongs to: the `aud` of its access tokens. */
export const Face = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$', examples: ['v1'] })
export const DeviceToken = Type.Optional(TokenInput)
/** A proved challenge. `claimLapsed` where an earlier right answer was never heard of again: the challenge may be used already. */
export const Proof = { challengeId: ChallengeId, claimLapsed: Type.Optional(Type.Boolean()) }
/** When the challenge was opened: one that is older than a change of password or phone proves nothing any more. */
const OpenedAt = Timestamp

/** A session as users knows it; the gateway adds the access token. */
export const IssuedSession = Type.Object({
  id: Type.String({ format: 'uuid' }),
  refreshToken: Type.String(),
  deviceToken: Type.String(),
})
export type IssuedSession = Static<typeof IssuedSession>
/**
 * When password or phone last changed, as users knows it. What was begun under one answer ends under another: compared for
 * equality, so that no two clocks have to agree.
 */
export const AsOf = Type.Union([Timestamp, Type.Null()])
/** A right password of an account that asks for a code as well. */
export const SecondFactorWanted = Strict({ userId: Type.String({ format: 'uuid' }), phone: E164, asOf: AsOf })
export type SecondFactorWanted = Static<typeof SecondFactorWanted>
export const Admitted = Type.Object({ user: User, session: IssuedSession })
export type Admitted = Static<typeof Admitted>

export const prepareSignUp = endpoint({
  method: 'POST',
  path: '/internal/sign-ups/prepare',
  summary:
    'Judge and hash a password, and tell whether the phone, or without one the e-mail, is taken: the same work either way',
  body: Strict({
    phone: Type.Union([E164, Type.Null()]),
    email: Type.Union([Type.String(), Type.Null()]),
    password: Type.Union([Type.String(), Type.Null()]),
    rules: Type.Optional(PasswordRules),
    /** False where the password is only to be judged. */
    hash: Type.Optional(Type.Boolean()),
  }),
  replies: { 200: Type.Object({ known: Type.Boolean(), passwordHash: Type.Union([Type.String(), Type.Null()]) }) },
  fails: ['request.invalid', 'password.weak', 'unavailable'],
})

/** What waits sealed in a sign-up challenge until the phone, or without one the e-mail, is proved. */
export const PendingAccount = Strict({
  phone: Type.Union([E164, Type.Null()]),
  email: Type.Union([Type.String(), Type.Null()]),
  passwordHash: Type.Union([Type.String(), Type.Null()]),
  name: Type.Union([Type.String(), Type.Null()]),
  username: Type.Union([Type.String(), Type.Null()]),
  role: Type.String(),
  profile: Profile,
})
export type PendingAccount = Static<typeof PendingAccount>

export const completeSignUp = endpoint({
  method: 'POST',
  path: '/internal/sign-ups',
  summary: 'Create the account of a proved phone, or without one e-mail, and its first session, once per challenge',
  body: Strict({
    ...Proof,
    face: Face,
    account: PendingAccount,
    deviceToken: DeviceToken,
    /** An e-mail or username somebody else holds refuses the whole account instead of being left out. */
    whole: Type.Optional(Type.Boolean()),
  }),
  replies: { 201: Type.Object({ user: User, session: IssuedSession, conflicts: Conflicts }) },
  fails: ['request.invalid', 'challenge.gone', 'account.exists', 'unavailable'],
})

export const signInWithPassword = endpoint({
  method: 'POST',
  path: '/internal/sign-ins/password',
  summary: 'Compare a password (one hash, known or not) and open a session',
  body: Strict({
    identifier: Identifier,
    password: Type.String(),
    face: Face,
    deviceToken: DeviceToken,
    /**
     * Where the face has accounts before proof: a registration is looked at where no proved account fits, that of this client
     * first, else the oldest. `needsProof` refuses it after a right password.
     */
    registrations: Type.Optional(Strict({ client: ClientKey, needsProof: Type.Boolean() })),
    /** The face has a step for the second factor: 202 says that it is wanted, and no session is opened. */
    takesSecondFactor: Type.Optional(Type.Boolean()),
  }),
  replies: { 200: Admitted, 202: Type.Object({ secondFactor: SecondFactorWanted }) },
  fails: [
    'request.invalid',
    'credentials.wrong',
    'account.disabled',
    'account.unverified',
    'account.second_factor',
    'unavailable',
  ],
})

export const signInWithPhone = endpoint({
  method: 'POST',
  path: '/internal/sign-ins/phone',
  summary: 'Open a session for the owner of a proved phone, once per challenge',
  body: Strict({
    ...Proof,
    phone: E164,
    face: Face,
    deviceToken: DeviceToken,
    openedAt: Type.Optional(OpenedAt),
    /** Wanted with a second factor on; a missing or wrong one is `credentials.wrong`, and the challenge is not used. */
    password: Type.Optional(Type.String()),
  }),
  replies: { 200: Admitted },
  fails: ['request.invalid', 'challenge.gone', 'credentials.wrong', 'account.disabled', 'unavailable'],
})

export const giveResetToken = endpoint({
  method: 'POST',
  path: '/internal/reset-tokens',
  summary: 'Give the owner of a proved phone or e-mail a reset token, once per challenge',
  body: Strict({ ...Proof, phone: Address, face: Face, openedAt: Type.Optional(OpenedAt) }),
  replies: { 201: Type.Object({ resetToken: Type.String(), expiresAt: Timestamp }) },
  fails: ['request.invalid', 'challenge.gone', 'unavailable'],
})

export const refreshSession = endpoint({
  method: 'POST',
  path: '/internal/sessions/refresh',
  summary: 'Rotate a refresh token; a replayed one ends its session',
  body: Strict({ refreshToken: TokenInput, face: Face }),
  replies: {
    200: Type.Object({
      userId: Type.String({ format: 'uuid' }),
      /** False while the account is a registration whose phone waits for its proof. */
      proved: Type.Boolean(),
      session: IssuedSession,
    }),
  },
  fails: ['request.invalid', 'token.invalid', 'unavailable'],
})

export const SessionParams = Strict({ sessionId: Type.String({ format: 'uuid' }) })

export const endSession = endpoint({
  method: 'POST',
  path: '/internal/sessions/:sessionId/end',
  summary: 'End a live session, or every session of its account',
  params: SessionParams,
  body: Strict({ all: Type.Boolean() }),
  replies: { 204: Type.Null() },
  fails: ['request.invalid', 'token.invalid', 'unavailable'],
})

export const listSessions = endpoint({
  method: 'GET',
  path: '/internal/sessions/:sessionId/all',
  summary: 'The live sessions of the account behind a live session',
  params: SessionParams,
  replies: { 200: Type.Object({ sessions: Type.Array(SessionListed) }) },
  fails: ['token.invalid', 'unavailable'],
})

export const endOtherSession = endpoint({
  method: 'DELETE',
  path: '/internal/sessions/:sessionId/all/:otherId',
  summary: 'End a session of the same account; what is none of its live ones is not found',
  params: Strict({ sessionId: Type.String({ format: 'uuid' }), otherId: Type.String({ format: 'uuid' }) }),
  replies: { 204: Type.Null() },
  fails: ['token.invalid', 'not.found', 'unavailable'],
})

export const getSessionUser = endpoint({
  method: 'GET',
  path: '/internal/sessions/:sessionId/user',
  summary: 'The account behind a live session',
  params: SessionParams,
  replies: { 200: Type.Object({ user: User }) },
  fails: ['token.invalid', 'unavailable'],
})

export const patchSessionUser = endpoint({
  method: 'PATCH',
  path: '/internal/sessions/:sessionId/user',
  summary: 'Change the account behind a live session',
  params: SessionParams,
  body: Strict({
    name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    username: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    profile: Type.Optional(Profile),
  }),
  replies: { 200: Type.Object({ user: User }) },
  fails: ['request.invalid', 'token.invalid', 'unavailable'],
})

export const getDelivery = endpoint({
  method: 'GET',
  path: '/internal/deliveries/:messageId',
  summary: 'What became of a message; null where nothing is written yet',
  params: Strict({ messageId: Type.String({ format: 'uuid' }) }),
  replies: {
    200: Type.Object({
      state: Type.Union([DeliveryState, Type.Null()]),
      reason: Type.Union([DeliveryReason, Type.Null()]),
    }),
  },
  fails: ['unavailable'],
})

export const resetPassword = endpoint({
  method: 'POST',
  path: '/internal/passwords/reset',
  summary: 'Set a new password by a reset token, once; every session, reset token and challenge of the account ends',
  body: Strict({
    resetToken: TokenInput,
    newPassword: Type.String(),
    rules: PasswordRules,
    /** Where given, a token of another account is refused and not spent. */
    email: Type.Optional(Type.String()),
  }),
  replies: { 204: Type.Null() },
  fails: ['request.invalid', 'password.weak', 'reset.gone', 'unavailable'],
})

export const changePassword = endpoint({
  method: 'POST',
  path: '/internal/sessions/:sessionId/password',
  summary: 'Set a new password by a live session; every other session, reset token and challenge of the account ends',
  params: SessionParams,
  body: Strict({
    newPassword: Type.String(),
    /** Required once a password is set. */
    currentPassword: Type.Union([Type.String(), Type.Null()]),
    rules: PasswordRules,
    /** Where no password is set yet: how long ago the sign-in of this session may be; null where it does not matter. */
    freshWithinSeconds: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
  }),
  replies: { 204: Type.Null() },
  fails: [
    'request.invalid',
    'password.weak',
    'credentials.wrong',
    'token.invalid',
    'account.unverified',
    'forbidden',
    'unavailable',
  ],
})
