import { prepareSignUp, signInWithPassword } from '@latchkey/contracts/internal/users'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { Credentials } from './credentials.service.js'

/** Everything a password is needed for. */
export function mountCredentials(app: FastifyInstance, credentials: Credentials): void {
  mount(app, prepareSignUp, async ({ body }) => ({ status: 200, body: await credentials.prepareSignUp(body) }))
  mount(app, signInWithPassword, async ({ body }) => ({ status: 200, body: await credentials.signIn(body) }))
}
