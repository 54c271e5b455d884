import { proveRegistration } from '@latchkey/contracts/internal/registrations'
import { completeSignUp, giveResetToken, signInWithPhone } from '@latchkey/contracts/internal/users'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { Challenges } from './challenges.service.js'

/** Everything a proved challenge is needed for. */
export function mountChallenges(app: FastifyInstance, challenges: Challenges): void {
  mount(app, completeSignUp, async ({ body }) => ({ status: 201, body: await challenges.completeSignUp(body) }))
  mount(app, proveRegistration, async ({ body }) => ({ status: 200, body: await challenges.proveRegistration(body) }))
  mount(app, signInWithPhone, async ({ body }) => ({ status: 200, body: await challenges.signIn(body) }))
  mount(app, giveResetToken, async ({ body }) => ({ status: 201, body: await challenges.giveResetToken(body) }))
}
