import { changeEmail, changePhone, deleteMe, setSecondFactor, undoChange } from '@latchkey/contracts/v1/account'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import type { ChallengePolicy } from '../../flows/policy.js'
import { face, freshWithinSeconds } from './face.js'

const tag = 'me'

export const account: FastifyPluginAsync<{ flows: Flows; policy: ChallengePolicy }> = async (
  app,
  { flows, policy },
) => {
  mount(
    app,
    changePhone,
    async ({ body: { phone, password }, request }) => {
      const change = { phone, shown: { password, freshWithinSeconds } }
      return { status: 202, body: { challenge: await flows.changePhone(change, await request.signedIn(face), policy) } }
    },
    { tag, ...app.sendLimit },
  )
  mount(
    app,
    changeEmail,
    async ({ body: { email, password }, request }) => {
      const change = { email, shown: { password, freshWithinSeconds } }
      return { status: 202, body: { challenge: await flows.changeEmail(change, await request.signedIn(face), policy) } }
    },
    { tag, ...app.sendLimit },
  )
  mount(
    app,
    undoChange,
    async ({ body, request }) => {
      await flows.undoChange(body.token, request.caller(face))
      return { status: 204, body: null }
    },
    { tag },
  )
  mount(
    app,
    setSecondFactor,
    async ({ body, request }) => ({
      status: 200,
      body: { user: await flows.setSecondFactor(body, await request.signedIn(face)) },
    }),
    { tag },
  )
  mount(
    app,
    deleteMe,
    async ({ body, request }) => {
      await flows.deleteAccount({ password: body?.password, freshWithinSeconds }, await request.signedIn(face))
      return { status: 204, body: null }
    },
    { tag },
  )
}
