import { endOneSession, endSession, listSessions, refreshSession } from '@latchkey/contracts/v1/session'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import { face } from './face.js'
import { wireSession } from './wire.js'

const tag = 'session'

export const session: FastifyPluginAsync<{ flows: Flows }> = async (app, { flows }) => {
  mount(
    app,
    refreshSession,
    async ({ body, request }) => ({
      status: 200,
      body: { session: wireSession(app, await flows.refreshSession(body.refreshToken, request.caller(face))) },
    }),
    { tag },
  )
  mount(
    app,
    endSession,
    async ({ body, request }) => {
      await flows.endSession(body?.all ?? false, await request.signedIn(face))
      return { status: 204, body: null }
    },
    { tag },
  )
  mount(
    app,
    listSessions,
    async ({ request }) => ({
      status: 200,
      body: { sessions: await flows.listSessions(await request.signedIn(face)) },
    }),
    { tag },
  )
  mount(
    app,
    endOneSession,
    async ({ params, request }) => {
      await flows.endOneSession(params.id, await request.signedIn(face))
      return { status: 204, body: null }
    },
    { tag },
  )
}
