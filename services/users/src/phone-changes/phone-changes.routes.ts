import { checkPhoneChange, preparePhoneChange, undoPhoneChange } from '@latchkey/contracts/internal/account-changes'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { PhoneChanges } from './phone-changes.service.js'

/** The beginning of a change of phone, and its undoing. What completes it is a challenge. */
export function mountPhoneChanges(app: FastifyInstance, phoneChanges: PhoneChanges): void {
  mount(app, preparePhoneChange, async ({ params, body }) => ({
    status: 200,
    body: await phoneChanges.prepare(params.sessionId, body),
  }))
  mount(app, checkPhoneChange, async ({ body }) => {
    await phoneChanges.check(body)
    return { status: 204, body: null }
  })
  mount(app, undoPhoneChange, async ({ body }) => {
    await phoneChanges.undo(body.token)
    return { status: 204, body: null }
  })
}
