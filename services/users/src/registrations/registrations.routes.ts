import { dropRegistration, findRegistration, register } from '@latchkey/contracts/internal/registrations'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import { withAgent } from '../sessions/sessions.service.js'
import type { Registrations } from './registrations.service.js'

/** Accounts before their proof. What proves them is a challenge. */
export function mountRegistrations(app: FastifyInstance, registrations: Registrations): void {
  mount(app, register, async (call) => ({
    status: 201,
    body: await registrations.register(withAgent(call)),
  }))
  mount(app, findRegistration, async ({ body }) => ({ status: 200, body: await registrations.find(body) }))
  mount(app, dropRegistration, async ({ params }) => {
    await registrations.drop(params.registrationId)
    return { status: 204, body: null }
  })
}
