import { type Static, Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import { Purpose, Strict, Timestamp } from '../v1/shapes.js'
import { adminFails } from './audit.js'

/** What became of a code, in one word for programs. */
export const storyEnds = [
  'verified',
  'delivered',
  'sent',
  'undelivered',
  'rejected',
  'failed',
  'expired_unsent',
  'superseded_unsent',
  'under_way',
  'decoy',
  'notice',
  'unsent',
  'not_queued',
  'refused',
] as const
export type StoryEnd = (typeof storyEnds)[number]

/** One thing that happened. `ms` counts from the first of the story. */
export const StoryLine = Type.Object({ at: Timestamp, ms: Type.Integer(), says: Type.String() })
export type StoryLine = Static<typeof StoryLine>

const OrNull = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()])

/** One code from the request for it to its end; or one request that was refused. */
export const Story = Type.Object({
  at: Timestamp,
  phone: OrNull(Type.String({ description: 'Its last two digits.' })),
  email: OrNull(Type.String({ description: 'How it begins.', examples: ['a•••@•••'] })),
  country: OrNull(Type.String()),
  purpose: OrNull(Purpose),
  face: OrNull(Type.String()),
  challengeId: OrNull(Type.String()),
  messageIds: Type.Array(Type.String()),
  requestIds: Type.Array(Type.String({ description: '`x-request-id` of the answers; the same in every log.' })),
  end: Type.Enum([...storyEnds]),
  answer: Type.String({ description: 'Why there was a code, or none, in a sentence.' }),
  lines: Type.Array(StoryLine),
})
export type Story = Static<typeof Story>

export const traceMessages = endpoint({
  method: 'GET',
  path: '/admin/messages',
  summary:
    'Why did this number get no code? The last 20 stories of a phone or an e-mail, or that of a challenge or message, newest first',
  bearer: true,
  query: Strict({
    phone: Type.Optional(Type.String({ maxLength: 40, examples: ['+919876543210'] })),
    email: Type.Optional(Type.String({ maxLength: 254, examples: ['asha@example.com'] })),
    challenge: Type.Optional(Type.String({ maxLength: 40 })),
    message: Type.Optional(Type.String({ maxLength: 40 })),
  }),
  replies: { 200: Type.Object({ stories: Type.Array(Story) }) },
  fails: adminFails,
})
