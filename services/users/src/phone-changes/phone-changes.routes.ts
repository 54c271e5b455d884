import {
  checkEmailChange,
  checkPhoneChange,
  preparePhoneChange,
  undoPhoneChange,
} from '@latchkey/contracts/internal/account-changes'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { AddressUndos } from './address-undos.js'
import type { EmailChanges } from './email-changes.service.js'
import type { PhoneChanges } from './phone-changes.service.js'

interface AddressChanges {
  readonly phoneChanges: PhoneChanges
  readonly emailChanges: EmailChanges
  readonly addressUndos: AddressUndos
}

/** The beginning of a change of phone or e-mail, and its undoing. What completes it is a challenge. */
export function mountAddressChanges(
  app: FastifyInstance,
  { phoneChanges, emailChanges, addressUndos }: AddressChanges,
): void {
  mount(app, preparePhoneChange, async ({ params, body }) => ({
    status: 200,
    body: await phoneChanges.prepare(params.sessionId, body),
  }))
  mount(app, checkPhoneChange, async ({ body }) => {
    await phoneChanges.check(body)
    return { status: 204, body: null }
  })
  mount(app, checkEmailChange, async ({ body }) => {
    await emailChanges.check(body)
    return { status: 204, body: null }
  })
  mount(app, undoPhoneChange, async ({ body }) => {
    await addressUndos.undo(body.token)
    return { status: 204, body: null }
  })
}
