import { getMe, patchMe } from '@latchkey/contracts/v1/me'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import { face } from './face.js'

const tag = 'me'

export const me: FastifyPluginAsync<{ flows: Flows }> = async (app, { flows }) => {
  mount(
    app,
    getMe,
    async ({ request }) => ({ status: 200, body: { user: await flows.getMe(await request.signedIn(face)) } }),
    { tag },
  )
  mount(
    app,
    patchMe,
    async ({ body, request }) => ({
      status: 200,
      body: { user: await flows.changeMe(body, await request.signedIn(face)) },
    }),
    { tag },
  )
}
