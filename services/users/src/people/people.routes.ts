import { findPhone } from '@latchkey/contracts/internal/users'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { People } from './people.service.js'

/** What the gateway may ask about people by identifier. */
export function mountPeople(app: FastifyInstance, people: People): void {
  mount(app, findPhone, async ({ body }) => {
    const person = await people.find(body.identifier)
    return { status: 200, body: { phone: person?.phone ?? null } }
  })
}
