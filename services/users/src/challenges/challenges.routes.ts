import { changeEmail, changePhone, signInWithSecondFactor } from '@latchkey/contracts/internal/account-changes'
import { proveRegistration } from '@latchkey/contracts/internal/registrations'
import { completeSignUp, giveResetToken, signInWithPhone } from '@latchkey/contracts/internal/users'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import { withAgent } from '../sessions/sessions.service.js'
import type { Challenges } from './challenges.service.js'

/** Everything a proved challenge is needed for. */
export function mountChallenges(app: FastifyInstance, challenges: Challenges): void {
  mount(app, completeSignUp, async (call) => ({
    status: 201,
    body: await challenges.completeSignUp(withAgent(call)),
  }))
  mount(app, proveRegistration, async (call) => ({
    status: 200,
    body: await challenges.proveRegistration(withAgent(call)),
  }))
  mount(app, signInWithPhone, async (call) => ({ status: 200, body: await challenges.signIn(withAgent(call)) }))
  mount(app, signInWithSecondFactor, async (call) => ({
    status: 200,
    body: await challenges.signInTwice(withAgent(call)),
  }))
  mount(app, changePhone, async ({ body }) => ({ status: 200, body: await challenges.changePhone(body) }))
  mount(app, changeEmail, async ({ body }) => ({ status: 200, body: await challenges.changeEmail(body) }))
  mount(app, giveResetToken, async ({ body }) => ({ status: 201, body: await challenges.giveResetToken(body) }))
}
