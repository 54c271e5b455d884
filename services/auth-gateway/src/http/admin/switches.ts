import { endSwitch, listSwitches, setSwitch } from '@latchkey/contracts/admin/switches'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import { face, tag } from './face.js'

export const switches: FastifyPluginAsync<{ flows: Flows }> = async (app, { flows }) => {
  mount(
    app,
    listSwitches,
    async ({ request }) => ({
      status: 200,
      body: { switches: await flows.switches.list(await request.signedIn(face)) },
    }),
    { tag },
  )
  mount(
    app,
    setSwitch,
    async ({ body: { preview = false, ...order }, request }) => {
      const caller = await request.signedIn(face)
      if (preview) return { status: 200, body: await flows.switches.preview(order, caller) }
      return { status: 201, body: await flows.switches.set(order, caller) }
    },
    { tag },
  )
  mount(
    app,
    endSwitch,
    async ({ params: { id }, request }) => ({
      status: 200,
      body: { switch: await flows.switches.end(id, await request.signedIn(face)) },
    }),
    { tag },
  )
}
