import {
  endOtherSession,
  endSession,
  getSessionUser,
  listSessions,
  patchSessionUser,
  refreshSession,
} from '@latchkey/contracts/internal/users'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import { toUser } from '../people/people.service.js'
import type { Sessions } from './sessions.service.js'

/** What the gateway may do with a session it knows the id or the refresh token of. */
export function mountSessions(app: FastifyInstance, sessions: Sessions): void {
  mount(app, refreshSession, async ({ body }) => ({ status: 200, body: await sessions.refresh(body) }))
  mount(app, endSession, async ({ params, body }) => {
    await sessions.end(params.sessionId, body)
    return { status: 204, body: null }
  })
  mount(app, listSessions, async ({ params }) => ({ status: 200, body: await sessions.list(params.sessionId) }))
  mount(app, endOtherSession, async ({ params }) => {
    await sessions.endOther(params.sessionId, params.otherId)
    return { status: 204, body: null }
  })
  mount(app, getSessionUser, async ({ params }) => ({
    status: 200,
    body: { user: toUser(await sessions.person(params.sessionId)) },
  }))
  mount(app, patchSessionUser, async ({ params, body }) => ({
    status: 200,
    body: { user: toUser(await sessions.changePerson(params.sessionId, body)) },
  }))
}
