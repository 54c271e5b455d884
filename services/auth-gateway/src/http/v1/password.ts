import { changePassword, resetPassword } from '@latchkey/contracts/v1/password'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import { face, freshWithinSeconds } from './face.js'

export const password: FastifyPluginAsync<{ flows: Flows }> = async (app, { flows }) => {
  mount(
    app,
    resetPassword,
    async ({ body, request }) => {
      await flows.resetPassword(body, request.caller(face), 'standard')
      return { status: 204, body: null }
    },
    { tag: 'sign up and log in' },
  )
  mount(
    app,
    changePassword,
    async ({ body, request }) => {
      await flows.changePassword(body, await request.signedIn(face), { rules: 'standard', freshWithinSeconds })
      return { status: 204, body: null }
    },
    { tag: 'me' },
  )
}
