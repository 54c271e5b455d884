import { traceMessages } from '@latchkey/contracts/admin/messages'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import { face, tag } from './face.js'

export const messages: FastifyPluginAsync<{ flows: Flows }> = async (app, { flows }) => {
  mount(
    app,
    traceMessages,
    async ({ query, request }) => ({
      status: 200,
      body: { stories: await flows.traceMessages(query, await request.signedIn(face)) },
    }),
    { tag },
  )
}
