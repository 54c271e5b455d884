import { findPhone } from '@latchkey/contracts/internal/users'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { People } from './people.service.js'

/** What the gateway may ask about people by identifier. */
export function mountPeople(app: FastifyInstance, people: People): void {
  mount(app, findPhone, async ({ body }) => {
    const person = await people.find(body.identifier)
    const proved = person !== undefined && person.phone_verified_at !== null
    return { status: 200, body: { phone: proved ? person.phone : null } }
  })
}
