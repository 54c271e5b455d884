import { answerChallenge, getChallenge, resendChallenge } from '@latchkey/contracts/v1/challenges'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import type { ChallengePolicy } from '../../flows/policy.js'
import { face } from './face.js'
import { wireSession } from './wire.js'

const tag = 'challenges'

export const challenges: FastifyPluginAsync<{ flows: Flows; policy: ChallengePolicy }> = async (
  app,
  { flows, policy },
) => {
  mount(
    app,
    getChallenge,
    async ({ params, request }) => ({ status: 200, body: await flows.readChallenge(params.id, request.caller(face)) }),
    { tag },
  )

  mount(
    app,
    answerChallenge,
    async ({ params, body, request }) => {
      const proved = await flows.answerChallenge({ id: params.id, ...body }, request.caller(face))
      if (proved.kind === 'reset_allowed')
        return { status: 200, body: { resetToken: proved.resetToken, expiresAt: proved.expiresAt } }
      const { user } = proved
      if (proved.kind === 'proved') return { status: 200, body: { user } }
      const conflicts = proved.conflicts.length > 0 ? { conflicts: [...proved.conflicts] } : {}
      return {
        status: proved.created ? 201 : 200,
        body: { user, session: wireSession(app, proved.session), ...conflicts },
      }
    },
    { tag },
  )

  mount(
    app,
    resendChallenge,
    async ({ params, request }) => ({
      status: 202,
      body: { challenge: await flows.resendChallenge(params.id, request.caller(face), policy) },
    }),
    { tag, ...app.sendLimit },
  )
}
