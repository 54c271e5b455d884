import { readAudit } from '@latchkey/contracts/internal/admins'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { Admins } from '../admins/admins.service.js'
import type { Audit } from './audit.service.js'

/** What operators may read of what operators did. */
export function mountAudit(app: FastifyInstance, audit: Audit, admins: Admins): void {
  mount(app, readAudit, async ({ body: { by, ...page } }) => {
    await admins.admit(by)
    return { status: 200, body: { entries: await audit.read(page) } }
  })
}
