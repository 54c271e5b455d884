import { changePassword, prepareSignUp, resetPassword, signInWithPassword } from '@latchkey/contracts/internal/users'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import { withAgent } from '../sessions/sessions.service.js'
import type { Credentials } from './credentials.service.js'
import type { Passwords } from './passwords.service.js'

/** Everything a password is needed for. */
export function mountCredentials(app: FastifyInstance, credentials: Credentials, passwords: Passwords): void {
  mount(app, prepareSignUp, async ({ body }) => ({ status: 200, body: await credentials.prepareSignUp(body) }))
  mount(app, signInWithPassword, async (call) => ({ status: 200, body: await credentials.signIn(withAgent(call)) }))
  mount(app, resetPassword, async ({ body }) => {
    await passwords.reset(body)
    return { status: 204, body: null }
  })
  mount(app, changePassword, async ({ params, body }) => {
    await passwords.change(params.sessionId, body)
    return { status: 204, body: null }
  })
}
