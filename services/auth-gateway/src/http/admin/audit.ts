import { listAudit } from '@latchkey/contracts/admin/audit'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import { face, tag } from './face.js'

export const audit: FastifyPluginAsync<{ flows: Flows }> = async (app, { flows }) => {
  mount(
    app,
    listAudit,
    async ({ query: { before, limit }, request }) => {
      const page = {
        ...(before !== undefined && { before: Number(before) }),
        ...(limit !== undefined && { limit: Number(limit) }),
      }
      return { status: 200, body: { entries: await flows.listAudit(page, await request.signedIn(face)) } }
    },
    { tag },
  )
}
