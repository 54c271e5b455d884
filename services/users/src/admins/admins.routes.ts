import { createAdmin, listAdmins, revokeAdmin } from '@latchkey/contracts/internal/admins'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { Admins } from './admins.service.js'

/** Who becomes an admin and who is one no more: an operator's command only, no token opens it. */
export function mountAdmins(app: FastifyInstance, admins: Admins): void {
  mount(app, createAdmin, async ({ body }) => ({ status: 200, body: await admins.create(body) }))
  mount(app, listAdmins, async () => ({ status: 200, body: { admins: await admins.list() } }))
  mount(app, revokeAdmin, async ({ body }) => ({ status: 200, body: await admins.revoke(body) }))
}
