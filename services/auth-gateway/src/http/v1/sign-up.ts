import { signUp as contract } from '@latchkey/contracts/v1/sign-up'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import type { ChallengePolicy } from '../../flows/policy.js'
import { face } from './face.js'

export const signUp: FastifyPluginAsync<{ flows: Flows; policy: ChallengePolicy }> = async (app, { flows, policy }) => {
  mount(
    app,
    contract,
    async ({ body, request }) => ({
      status: 202,
      body: { challenge: await flows.signUp(body, request.caller(face), policy) },
    }),
    {
      tag: 'sign up and log in',
      ...app.sendLimit,
    },
  )
}
