import { Email } from '@latchkey/contracts/address'
import { findPhone } from '@latchkey/contracts/internal/owners'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import { Value } from 'typebox/value'
import type { Devices } from '../sessions/devices.service.js'
import type { People } from './people.service.js'

/** What the gateway may ask about people by identifier. */
export function mountPeople(app: FastifyInstance, people: People, devices: Devices): void {
  mount(app, findPhone, async ({ body: { identifier, knownBy } }) => {
    const [person, ownerId] = await Promise.all([people.find(identifier), knownBy && devices.ownerOf(knownBy)])
    const known = person !== undefined && person.disabled_at === null && person.id === ownerId
    const email = person === undefined || person.email_verified_at === null ? null : person.email
    return {
      status: 200,
      body: { phone: person?.phone ?? null, email: Value.Check(Email, email) ? email : null, known },
    }
  })
}
