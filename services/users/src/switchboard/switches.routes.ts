import { previewSwitch, putSwitch, readSwitchboard, resumeSwitch } from '@latchkey/contracts/internal/switches'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { Admins } from '../admins/admins.service.js'
import type { Switchboard } from './switches.service.js'

/** What operators may switch. */
export function mountSwitchboard(app: FastifyInstance, switchboard: Switchboard, admins: Pick<Admins, 'admit'>): void {
  mount(app, readSwitchboard, async ({ body: { by } }) => {
    await admins.admit(by)
    return { status: 200, body: { switches: await switchboard.list() } }
  })
  mount(app, previewSwitch, async ({ body: { by, order } }) => {
    await admins.admit(by)
    return { status: 200, body: { lastDay: await switchboard.preview(order) } }
  })
  mount(app, putSwitch, async ({ body: { by, order } }) => {
    const who = await admins.admit(by)
    const lastDay = await switchboard.preview(order)
    return { status: 200, body: { switch: await switchboard.set(order, who), lastDay } }
  })
  mount(app, resumeSwitch, async ({ body: { by, id, why } }) => {
    const who = await admins.admit(by)
    return { status: 200, body: { switch: await switchboard.end({ id, why }, who) } }
  })
}
