import { readTrace } from '@latchkey/contracts/internal/traces'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { Admins } from '../admins/admins.service.js'
import type { Traces } from './traces.service.js'

/** What operators may ask about codes. */
export function mountTraces(app: FastifyInstance, traces: Traces, admins: Admins): void {
  mount(app, readTrace, async ({ body: { by, about } }) => ({
    status: 200,
    body: { stories: await traces.read(about, await admins.admit(by)) },
  }))
}
