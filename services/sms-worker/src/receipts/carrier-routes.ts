import { AppError } from '@latchkey/kit/app-error'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Unbelieved } from '../providers/provider-calls.js'
import type { CarrierDesk } from './carrier-desk.js'

/** How many calls of one address that are not believed are told why, a minute. */
const refusalsPerMinute = 60

type Call = FastifyRequest<{ Params: { provider: string }; Body: unknown }>

/** POST /receipts/:provider and /inbound/:provider: forms of 16 KB at most, believed only where the carrier signed them. */
export const carrierRoutes: FastifyPluginAsync<{ desk: CarrierDesk }> = async (app, { desk }) => {
  // A carrier itself is never held up: what is counted are calls in its name that it did not make.
  const refusals = new RateLimiterMemory({ points: refusalsPerMinute, duration: 60 })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  )

  async function refuse(why: Unbelieved, { ip }: FastifyRequest): Promise<never> {
    await refusals.consume(ip).catch((spent: unknown) => {
      if (spent instanceof RateLimiterRes)
        throw new AppError('rate.limited', { retryAt: new Date(Date.now() + spent.msBeforeNext) })
      throw spent
    })
    if (why === 'forged') throw new AppError('forbidden', { detail: 'This call is not signed by the carrier.' })
    throw new AppError('request.invalid', { detail: 'This is not what this carrier sends.' })
  }
  const providerOf = ({ params }: Call): string => {
    if (!desk.knows(params.provider)) throw new AppError('not.found')
    return params.provider
  }
  const callOf = ({ url, headers, body }: Call) => ({
    target: url,
    headers,
    body: typeof body === 'string' ? body : '',
  })

  app.post('/receipts/:provider', async (request: Call, reply) => {
    const taken = await desk.receipt(providerOf(request), callOf(request))
    return taken === 'taken' ? reply.code(204).send() : refuse(taken, request)
  })
  app.post('/inbound/:provider', async (request: Call, reply) => {
    const answer = await desk.inbound(providerOf(request), callOf(request))
    return typeof answer === 'string' ? refuse(answer, request) : reply.type(answer.type).send(answer.body)
  })
}
