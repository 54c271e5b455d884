import { type Static, Type } from 'typebox'
import { Email } from '../address.js'
import { UndoToken } from '../challenge-record.js'
import { endpoint } from '../endpoint.js'
import { E164 } from '../phone.js'
import { ChallengeId, Strict, Timestamp, TokenInput, User } from '../v1/shapes.js'
import { Admitted, AsOf, DeviceToken, Face, Proof, SecondFactorWanted, SessionParams } from './users.js'

// What the gateway asks of users about changes that could lose somebody his account.

/** Who is signed in shows once more who he is: by the password, or by a sign-in (no refresh) that is not too long ago. */
const Reproof = {
  password: Type.Union([Type.String(), Type.Null()]),
  freshWithinSeconds: Type.Integer({ minimum: 1 }),
}
const reproofFails = ['request.invalid', 'credentials.wrong', 'token.invalid', 'forbidden', 'unavailable'] as const

export const preparePhoneChange = endpoint({
  method: 'POST',
  path: '/internal/sessions/:sessionId/phone-change',
  summary: 'Whether this session may change phone or e-mail, and what its account has now',
  params: SessionParams,
  body: Strict(Reproof),
  replies: {
    200: Type.Object({
      phone: Type.Union([E164, Type.Null()]),
      // Text that could be no address any more is none.
      email: Type.Optional(Type.Union([Email, Type.Null()])),
      emailProved: Type.Optional(Type.Boolean()),
      asOf: AsOf,
    }),
  },
  fails: [...reproofFails, 'account.unverified'],
})

/** What waits sealed in the challenge of a new phone or e-mail. */
export const PendingAddressChange = Strict({
  sessionId: Type.String({ format: 'uuid' }),
  asOf: AsOf,
  /** The way back, and the message that tells the old address of it; null where there is none, or no way to reach it. */
  undo: Type.Union([
    Strict({
      token: UndoToken,
      notice: Strict({
        challengeId: ChallengeId,
        messageId: Type.String({ format: 'uuid' }),
        country: Type.String(),
        expiresAt: Timestamp,
        channel: Type.Optional(Type.Enum(['sms', 'email'])),
      }),
    }),
    Type.Null(),
  ]),
})
export type PendingAddressChange = Static<typeof PendingAddressChange>

const PhoneChange = {
  phone: E164,
  sessionId: Type.String({ format: 'uuid' }),
  asOf: AsOf,
}

export const checkPhoneChange = endpoint({
  method: 'POST',
  path: '/internal/phone-changes/check',
  summary: 'Whether a change of phone would be made now; it is not',
  body: Strict(PhoneChange),
  replies: { 204: Type.Null() },
  fails: ['request.invalid', 'challenge.gone', 'account.exists', 'unavailable'],
})

export const changePhone = endpoint({
  method: 'POST',
  path: '/internal/phone-changes',
  summary: 'Move an account to a proved phone, once per challenge; every other session, reset token and challenge ends',
  body: Strict({
    ...Proof,
    ...PhoneChange,
    undoToken: Type.Union([UndoToken, Type.Null()]),
  }),
  replies: { 200: Type.Object({ user: User }) },
  fails: ['request.invalid', 'challenge.gone', 'account.exists', 'unavailable'],
})

const EmailChange = {
  email: Email,
  sessionId: Type.String({ format: 'uuid' }),
  asOf: AsOf,
}

export const checkEmailChange = endpoint({
  method: 'POST',
  path: '/internal/email-changes/check',
  summary: 'Whether a change of e-mail would be made now; it is not',
  body: Strict(EmailChange),
  replies: { 204: Type.Null() },
  fails: ['request.invalid', 'challenge.gone', 'account.exists', 'unavailable'],
})

export const changeEmail = endpoint({
  method: 'POST',
  path: '/internal/email-changes',
  summary: 'Give an account a proved e-mail, once per challenge; every other session, reset token and challenge ends',
  body: Strict({
    ...Proof,
    ...EmailChange,
    undoToken: Type.Union([UndoToken, Type.Null()]),
  }),
  replies: { 200: Type.Object({ user: User }) },
  fails: ['request.invalid', 'challenge.gone', 'account.exists', 'unavailable'],
})

export const undoPhoneChange = endpoint({
  method: 'POST',
  path: '/internal/phone-changes/undo',
  summary: 'Give an account back what it had, once; its password, sessions, devices and whatever was begun end',
  body: Strict({ token: TokenInput }),
  replies: { 204: Type.Null() },
  fails: ['request.invalid', 'undo.gone', 'account.exists', 'unavailable'],
})

export const setSecondFactor = endpoint({
  method: 'PUT',
  path: '/internal/sessions/:sessionId/second-factor',
  summary: 'Ask for a code beside the password from now on, or not any more',
  params: SessionParams,
  body: Strict({ enabled: Type.Boolean(), password: Type.String() }),
  replies: { 200: Type.Object({ user: User }) },
  fails: [...reproofFails, 'account.unverified'],
})

/** What waits sealed in the challenge of a second factor: the log-in it belongs to. */
export const PendingLogin = Strict({
  userId: Type.String({ format: 'uuid' }),
  asOf: AsOf,
  deviceToken: DeviceToken,
})
export type PendingLogin = Static<typeof PendingLogin>

export const signInWithSecondFactor = endpoint({
  method: 'POST',
  path: '/internal/sign-ins/second-factor',
  summary: 'Open the session of a log-in whose password was right and whose code is proved, once per challenge',
  body: Strict({ ...Proof, ...SecondFactorWanted.properties, face: Face, deviceToken: DeviceToken }),
  replies: { 200: Admitted },
  fails: ['request.invalid', 'challenge.gone', 'account.disabled', 'unavailable'],
})

export const deleteAccount = endpoint({
  method: 'DELETE',
  path: '/internal/sessions/:sessionId/user',
  summary: 'Delete the account behind a live session, with everything that is kept about it',
  params: SessionParams,
  body: Strict(Reproof),
  replies: { 204: Type.Null() },
  fails: reproofFails,
})
