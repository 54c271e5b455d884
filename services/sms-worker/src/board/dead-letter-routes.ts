import type { FastifyPluginAsync } from 'fastify'
import { Type } from 'typebox'
import type { DeadLetters, QueueName } from './dead-letters.js'

const what = Type.Enum(['retry', 'drop'])
const queue = Type.Enum(['sms', 'delivery-event'])
const id = Type.String({ minLength: 1, maxLength: 200 })

/** GET /dead-letters, and POST /dead-letters/:queue/:id/retry and /drop, which say in a sentence what became of it. */
export const deadLetterRoutes: FastifyPluginAsync<{ deadLetters: DeadLetters }> = async (app, { deadLetters }) => {
  app.get('/dead-letters', async () => ({ letters: await deadLetters.list() }))
  app.post<{ Params: { queue: QueueName; id: string; what: 'retry' | 'drop' } }>(
    '/dead-letters/:queue/:id/:what',
    { schema: { params: Type.Object({ queue, id, what }) } },
    async ({ params }) => deadLetters[params.what](params.queue, params.id),
  )
}
