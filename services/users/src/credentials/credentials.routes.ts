import { deleteAccount, setSecondFactor } from '@latchkey/contracts/internal/account-changes'
import { changePassword, prepareSignUp, resetPassword, signInWithPassword } from '@latchkey/contracts/internal/users'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import { toUser } from '../people/people.service.js'
import { withAgent } from '../sessions/sessions.service.js'
import type { Account } from './account.service.js'
import type { Credentials } from './credentials.service.js'
import type { Passwords } from './passwords.service.js'

/** Everything a password is needed for. */
export function mountCredentials(
  app: FastifyInstance,
  { credentials, passwords, account }: { credentials: Credentials; passwords: Passwords; account: Account },
): void {
  mount(app, prepareSignUp, async ({ body }) => ({ status: 200, body: await credentials.prepareSignUp(body) }))
  mount(app, signInWithPassword, async (call) => {
    const admitted = await credentials.signIn(withAgent(call))
    return 'secondFactor' in admitted ? { status: 202, body: admitted } : { status: 200, body: admitted }
  })
  mount(app, resetPassword, async ({ body }) => {
    await passwords.reset(body)
    return { status: 204, body: null }
  })
  mount(app, changePassword, async ({ params, body }) => {
    await passwords.change(params.sessionId, body)
    return { status: 204, body: null }
  })
  mount(app, setSecondFactor, async ({ params, body }) => ({
    status: 200,
    body: { user: toUser(await account.setSecondFactor(params.sessionId, body)) },
  }))
  mount(app, deleteAccount, async ({ params, body }) => {
    await account.remove(params.sessionId, body)
    return { status: 204, body: null }
  })
}
