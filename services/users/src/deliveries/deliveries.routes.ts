import { getDelivery } from '@latchkey/contracts/internal/users'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { Deliveries } from './deliveries.service.js'

/** What the gateway may ask about a message. */
export function mountDeliveries(app: FastifyInstance, deliveries: Deliveries): void {
  mount(app, getDelivery, async ({ params }) => ({ status: 200, body: await deliveries.find(params.messageId) }))
}
