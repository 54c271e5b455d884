import { eraseData, exportData } from '@latchkey/contracts/internal/own-data'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { OwnDataRequests } from './own-data.service.js'

/** What operators do for one person about his data: by a command only, no token opens it. */
export function mountOwnData(app: FastifyInstance, ownData: OwnDataRequests): void {
  mount(app, exportData, async ({ body }) => ({ status: 200, body: await ownData.export(body) }))
  mount(app, eraseData, async ({ body }) => ({ status: 200, body: await ownData.erase(body) }))
}
