import { forgotPassword, signInWithCode, signInWithPassword } from '@latchkey/contracts/v1/login'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import type { ChallengePolicy } from '../../flows/policy.js'
import { face } from './face.js'
import { wireSession } from './wire.js'

const tag = 'sign up and log in'

export const login: FastifyPluginAsync<{ flows: Flows; policy: ChallengePolicy }> = async (app, { flows, policy }) => {
  mount(
    app,
    signInWithPassword,
    async ({ body, request }) => {
      const countSend = () => app.sendLimit.preHandler(request)
      const right = await flows.signInWithPassword(body, request.caller(face), policy, countSend)
      if (right.kind === 'second_factor') return { status: 202, body: { challenge: right.challenge } }
      return { status: 200, body: { user: right.user, session: wireSession(app, right.session) } }
    },
    { tag },
  )
  mount(
    app,
    signInWithCode,
    async ({ body, request }) => ({
      status: 202,
      body: { challenge: await flows.signInWithCode(body, request.caller(face), policy) },
    }),
    { tag, ...app.sendLimit },
  )
  mount(
    app,
    forgotPassword,
    async ({ body, request }) => ({
      status: 202,
      body: { challenge: await flows.forgotPassword(body, request.caller(face), policy) },
    }),
    { tag, ...app.sendLimit },
  )
}
