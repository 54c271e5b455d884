import { readConversion } from '@latchkey/contracts/internal/conversion'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { Admins } from '../admins/admins.service.js'
import type { Conversions } from './conversion.service.js'

/** What operators may ask about what messages lead to. */
export function mountConversion(app: FastifyInstance, conversions: Conversions, admins: Admins): void {
  mount(app, readConversion, async ({ body: { by, ...days } }) => {
    await admins.admit(by)
    return { status: 200, body: { rows: await conversions.read(days) } }
  })
}
