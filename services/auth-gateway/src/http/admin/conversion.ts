import { listConversion } from '@latchkey/contracts/admin/conversion'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import { face, tag } from './face.js'

export const conversion: FastifyPluginAsync<{ flows: Flows }> = async (app, { flows }) => {
  mount(
    app,
    listConversion,
    async ({ query, request }) => ({
      status: 200,
      body: { rows: await flows.listConversion(query, await request.signedIn(face)) },
    }),
    { tag },
  )
}
