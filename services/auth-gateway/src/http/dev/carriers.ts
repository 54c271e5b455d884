import { ailCarrier, listCarriers } from '@latchkey/contracts/dev/carriers'
import { AppError } from '@latchkey/kit/app-error'
import { mount } from '@latchkey/kit/mount'
import type { FastifyPluginAsync } from 'fastify'
import type { DevCarriers } from '../../flows/ports.js'

const options = { tag: 'development' }

/** The buttons beside the phone. */
export const carrierButtons: FastifyPluginAsync<{ carriers: DevCarriers }> = async (app, { carriers }) => {
  const state = async () => ({ status: 200, body: { carriers: await carriers.list() } }) as const

  mount(app, listCarriers, state, options)
  mount(
    app,
    ailCarrier,
    async ({ params: { lane }, body: { ailment, forSeconds = 60 } }) => {
      const until = new Date(Date.now() + forSeconds * 1_000).toISOString()
      if (!(await carriers.ail(lane, ailment === null ? null : { ailment, until }))) throw new AppError('not.found')
      return state()
    },
    options,
  )
}
