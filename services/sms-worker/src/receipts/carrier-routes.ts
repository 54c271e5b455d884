import { AppError } from '@latchkey/kit/app-error'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Unbelieved } from '../providers/provider-calls.js'
import type { CarrierDesk } from './carrier-desk.js'

/** How many calls of one address that are not believed are told why, a minute. */
const refusalsPerMinute = 60

type Call = FastifyRequest<{ Params: { provider: string; token?: string }; Body: unknown }>

/**
 * POST /receipts/:provider and /inbound/:provider: forms of 16 KB at most, believed only where the carrier signed them. POST
 * /receipts/:provider/:token, where JSON may come too, for carriers that sign nothing: believed where they know the token.
 */
export const carrierRoutes: FastifyPluginAsync<{ desk: CarrierDesk }> = async (app, { desk }) => {
  // A carrier itself is never held up: what is counted are calls in its name that it did not make.
  const refusals = new RateLimiterMemory({ points: refusalsPerMinute, duration: 60 })

  app.removeAllContentTypeParsers()
  const asText = (_request: unknown, body: string | Buffer, done: (error: null, body: unknown) => void) =>
    done(null, body)
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, asText)

  async function refuse(why: Unbelieved, { ip }: FastifyRequest): Promise<never> {
    await refusals.consume(ip).catch((spent: unknown) => {
      if (spent instanceof RateLimiterRes)
        throw new AppError('rate.limited', { retryAt: new Date(Date.now() + spent.msBeforeNext) })
      throw spent
    })
    if (why === 'astray') throw new AppError('not.found')
    if (why === 'forged') throw new AppError('forbidden', { detail: 'This call is not signed by the carrier.' })
    throw new AppError('request.invalid', { detail: 'This is not what this carrier sends.' })
  }
  const providerOf = ({ params }: Call): string => {
    if (!desk.knows(params.provider)) throw new AppError('not.found')
    return params.provider
  }
  const callOf = ({ url, headers, body, params: { token } }: Call) => ({
    target: url,
    headers,
    body: typeof body === 'string' ? body : '',
    ...(token !== undefined && { token }),
  })
  const takeReceipt = async (request: Call, reply: FastifyReply) => {
    const taken = await desk.receipt(providerOf(request), callOf(request))
    return taken === 'taken' ? reply.code(204).send() : refuse(taken, request)
  }

  app.post('/receipts/:provider', takeReceipt)
  void app.register(async (secret) => {
    secret.addContentTypeParser('application/json', { parseAs: 'string' }, asText)
    secret.post('/receipts/:provider/:token', takeReceipt)
  })
  app.post('/inbound/:provider', async (request: Call, reply) => {
    const answer = await desk.inbound(providerOf(request), callOf(request))
    return typeof answer === 'string' ? refuse(answer, request) : reply.type(answer.type).send(answer.body)
  })
}
