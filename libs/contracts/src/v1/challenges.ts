import { type Static, Type } from 'typebox'
import { DeliveryReason } from '../delivery.js'
import { endpoint } from '../endpoint.js'
import {
  Challenge,
  CodeInput,
  Conflicts,
  PasswordInput,
  Session,
  Strict,
  Timestamp,
  DeviceTokenInput,
  User,
} from './shapes.js'

// Any text: an id of the wrong shape is as `gone` as an unknown one.
const params = Strict({ id: Type.String() })

/** What became of the last message, in the person's words. */
export const Delivery = Type.Enum(['queued', 'sent', 'delivered', 'failed', 'expired'])
export type Delivery = Static<typeof Delivery>

export const getChallenge = endpoint({
  method: 'GET',
  path: '/challenges/:id',
  summary: 'A challenge, and what became of its code',
  params,
  replies: {
    200: Type.Object({
      challenge: Challenge,
      delivery: Delivery,
      reason: Type.Optional(Type.String({ description: 'Why the code could not be delivered, and what to do.' })),
      // The same for programs, and for texts in other languages.
      reasonCode: Type.Optional(DeliveryReason),
    }),
  },
  fails: ['challenge.gone', 'rate.limited', 'unavailable'],
})

export const SignedIn = Type.Object({ user: User, session: Session, conflicts: Type.Optional(Conflicts) })
/** Of an address that is proved without a sign-in. */
export const AddressProved = Type.Object({ user: User })
export const ResetTokenGiven = Type.Object({ resetToken: Type.String(), expiresAt: Timestamp })

export const answerChallenge = endpoint({
  method: 'POST',
  path: '/challenges/:id/answer',
  summary: 'Answer a challenge with the code from the message',
  params,
  body: Strict({
    code: CodeInput,
    password: Type.Optional({ ...PasswordInput, description: 'Of a `sign_in` where the account has a second factor.' }),
    deviceToken: Type.Optional(DeviceTokenInput),
  }),
  replies: {
    200: Type.Union([SignedIn, ResetTokenGiven, AddressProved], {
      description:
        '`sign_in`, `second_factor`: user and session; `reset_password`: a reset token; a proof alone: the user',
    }),
    201: SignedIn,
  },
  fails: [
    'request.invalid',
    'challenge.wrong',
    'challenge.gone',
    'account.exists',
    'account.disabled',
    'rate.limited',
    'unavailable',
  ],
})

export const resendChallenge = endpoint({
  method: 'POST',
  path: '/challenges/:id/resend',
  summary: 'Send the code of a challenge again',
  params,
  replies: { 202: Type.Object({ challenge: Challenge }) },
  fails: ['challenge.gone', 'rate.limited', 'unavailable'],
})
