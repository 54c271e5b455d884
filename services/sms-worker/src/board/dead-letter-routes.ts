import type { FastifyPluginAsync } from 'fastify'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { DeadLetters, QueueName } from './dead-letters.js'
import { refusal } from './gate.js'

const what = Type.Enum(['retry', 'drop'])
const queue = Type.Enum(['sms', 'delivery-event'])
const id = Type.String({ minLength: 1, maxLength: 200 })

/** Who runs a command, by his name on the operating system, and his reason: whoever has the password may say so. */
const Wish = Type.Object(
  {
    operator: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]{1,32}$' })),
    why: Type.Optional(Type.String({ minLength: 1, maxLength: 300 })),
  },
  { additionalProperties: false },
)

interface RoutesNeeds {
  readonly deadLetters: DeadLetters
  /** Of the dashboard: who acts where no command says who runs it. */
  readonly user: string
}

/** GET /dead-letters, and POST /dead-letters/:queue/:id/retry and /drop, which say in a sentence what became of it. */
export const deadLetterRoutes: FastifyPluginAsync<RoutesNeeds> = async (app, { deadLetters, user }) => {
  app.get('/dead-letters', async () => ({ letters: await deadLetters.list() }))
  app.post<{ Params: { queue: QueueName; id: string; what: 'retry' | 'drop' } }>(
    '/dead-letters/:queue/:id/:what',
    { schema: { params: Type.Object({ queue, id, what }) } },
    async ({ params, body }) => {
      const wish = body ?? {}
      // What Postgres cannot store would never be written down.
      if (!Value.Check(Wish, wish) || /\0|\p{Surrogate}/u.test(wish.why ?? '')) throw refusal(400)
      const { operator, why } = wish
      const actor = operator === undefined ? `board:${user}` : `cli:${operator}`
      return deadLetters[params.what](params.queue, params.id, { actor, ...(why !== undefined && { why }) })
    },
  )
}
