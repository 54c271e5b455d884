import { type Static, type TSchema, Type } from 'typebox'

/** Our own face, and the audience of its tokens: the one that has a step for all an account may ask for. */
export const ownFace = 'v1'

/** Refuses what it does not name: /v1 answers unknown properties with `request.invalid`. */
export const Strict = <const P extends Record<string, TSchema>>(properties: P) =>
  Type.Object(properties, { additionalProperties: false })

export const Timestamp = Type.String({ format: 'date-time', examples: ['2026-11-21T09:30:00.000Z'] })

export const purposes = [
  'sign_up',
  'sign_in',
  'reset_password',
  'second_factor',
  'change_phone',
  'verify_phone',
  'verify_email',
] as const
export type Purpose = (typeof purposes)[number]
export const Purpose = Type.Enum([...purposes])

/** `<3 hex>.<128 random bits in hex>`; whoever holds it may answer the challenge, so it is never logged. */
export const ChallengeId = Type.String({
  pattern: '^[0-9a-f]{3}\\.[0-9a-f]{32}$',
  examples: ['3fa.9c1e4b7a2d60f8350b1c6e9d7a4f2810'],
})

export const Challenge = Type.Object({
  id: ChallengeId,
  purpose: Purpose,
  channel: Type.Enum(['sms', 'email'], {
    description: 'Where `to` is null it goes by what was typed, and tells nothing of an account.',
  }),
  to: Type.Union([Type.String({ examples: ['+91••••••3210'] }), Type.Null()], {
    description: 'Masked, and only of an address the caller just sent.',
  }),
  expiresAt: Timestamp,
  resendAt: Timestamp,
  attemptsLeft: Type.Integer({ minimum: 0 }),
  resendsLeft: Type.Integer({ minimum: 0 }),
})
export type Challenge = Static<typeof Challenge>

export const Session = Type.Object({
  id: Type.String({ format: 'uuid' }),
  accessToken: Type.String(),
  tokenType: Type.Literal('Bearer'),
  expiresIn: Type.Integer({ description: 'Seconds the access token lives.' }),
  refreshToken: Type.String(),
  deviceToken: Type.String({
    description:
      'Keep it across sign-outs and send it at the next sign-in: it keeps strangers from spending your limits.',
  }),
})
export type Session = Static<typeof Session>

/** A session as its owner sees it; nothing of it opens anything. */
export const SessionListed = Type.Object({
  id: Type.String({ format: 'uuid' }),
  face: Type.String({ description: 'Which API opened it: `v1`, or the name of a documented one.', examples: ['v1'] }),
  device: Type.Union([Type.String({ examples: ['Safari on iOS'] }), Type.Null()], {
    description: 'The program and system that signed in, as it called itself.',
  }),
  createdAt: Timestamp,
  lastUsedAt: Type.String({ format: 'date-time', description: 'Its last refresh, else its sign-in.' }),
  current: Type.Boolean({ description: 'Whether this is the session that asks.' }),
})
export type SessionListed = Static<typeof SessionListed>

/** A JSON object of the operator's own making; its size is bounded by the body limit. */
export const Profile = Type.Unsafe<Record<string, unknown>>(
  Type.Object(
    {},
    { additionalProperties: true, description: 'Whatever your app keeps about a person; replaced as a whole.' },
  ),
)

export const User = Type.Object({
  id: Type.String({ format: 'uuid' }),
  number: Type.Integer(),
  phone: Type.Union([Type.String(), Type.Null()]),
  phoneVerified: Type.Boolean(),
  email: Type.Union([Type.String(), Type.Null()]),
  emailVerified: Type.Boolean(),
  name: Type.Union([Type.String(), Type.Null()]),
  username: Type.Union([Type.String(), Type.Null()]),
  role: Type.String(),
  profile: Profile,
  hasPassword: Type.Boolean(),
  secondFactor: Type.Boolean(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
})
export type User = Static<typeof User>

/** Levels a profile may nest. */
export const deepestProfile = 16

/** Fields of an account that somebody else already holds; they were left out. */
export const Conflicts = Type.Array(Type.Enum(['email', 'username']), {
  description: 'Fields that somebody else already holds; they were left out of the account.',
})

// What a caller may type. Meaning (is this a phone? a good password?) is decided in the flows.
export const PhoneInput = Type.String({
  minLength: 1,
  maxLength: 40,
  description: 'A mobile number with its country code; spaces, dashes and brackets are forgiven.',
  examples: ['+919876543210'],
})
export const EmailInput = Type.String({
  minLength: 3,
  maxLength: 254,
  description: 'Kept in lower case. Not proved by being typed.',
  examples: ['asha@example.com'],
})
export const PasswordInput = Type.String({
  minLength: 1,
  maxLength: 1024,
  description: '8 to 128 characters; not a common one, not the phone, not the e-mail.',
  examples: ['correct horse battery staple'],
})
export const NameInput = Type.String({ minLength: 1, maxLength: 200, examples: ['Asha Rao'] })
export const UsernameInput = Type.String({
  minLength: 3,
  maxLength: 32,
  description: 'Starts with a letter; letters, digits, `.`, `_`, `-`. Kept in lower case. Never `ryt` and digits.',
  examples: ['asha.rao'],
})
export const IdentifierInput = Type.String({
  minLength: 1,
  maxLength: 254,
  description: 'With `@` an e-mail, starting with `+` or a digit a phone, else a username.',
  examples: ['+919876543210'],
})
export const CodeInput = Type.String({
  minLength: 1,
  maxLength: 16,
  description: 'The digits from the message; spaces and dashes are forgiven.',
  examples: ['492817'],
})
export const TokenInput = Type.String({ minLength: 1, maxLength: 512 })
export const DeviceTokenInput = Type.String({
  minLength: 1,
  maxLength: 512,
  description: 'From an earlier session on this device, if there was one. A bad one is no error.',
})
