import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { FastifyAdapter } from '@bull-board/fastify'
import basicAuth from '@fastify/basic-auth'
import helmet from '@fastify/helmet'
import type { Queue } from 'bullmq'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { TellAct } from './acts.js'
import type { DeadLetters } from './dead-letters.js'
import { deadLetterRoutes } from './dead-letter-routes.js'
import { type Gate, isRefusal } from './gate.js'
import { shownAnswer, shownData } from './shown.js'

interface BoardNeeds {
  readonly queues: readonly Queue[]
  readonly deadLetters: DeadLetters
  readonly tellAct: TellAct
  readonly gate: Gate
  /** Who the gate lets in. */
  readonly user: string
  /** Whether the dashboard may do more than show: pause and resume queues, and hurry what waits. */
  readonly writes: boolean
}

const base = '/board'

/** Nothing of anybody else's is loaded, run, framed or called. Its styles set colours and widths on elements. */
const policy = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  fontSrc: ["'self'"],
  connectSrc: ["'self'"],
  baseUri: ["'self'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
}

/** Its page names web fonts of somebody else, which the policy forbids: it is served without. */
const foreignLink = /<link[^>]*href="https?:[^>]*>\s*/g

/** What the dashboard may do where it may write. Whatever else it has would lose messages without an end, or send what is over. */
const allowed = /^\/board\/api\/queues\/(?:(?:[^/]+\/)?(?:pause|resume|promote)|[^/]+\/[^/]+\/promote)$/

/** The queue dashboard at /board and dead letters at /dead-letters, for who knows the password; for the ops port only. */
export function createBoard({ queues, deadLetters, tellAct, gate, user, writes }: BoardNeeds): FastifyPluginAsync {
  const adapter = new FastifyAdapter()
  adapter.setBasePath(base)
  createBullBoard({
    queues: queues.map((queue) => shownQueue(queue, writes)),
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: 'Latchkey queues', miscLinks: [] } },
  })

  return async (app) => {
    await guardWith(app, gate)
    app.addHook('onRequest', async (request, reply) => {
      if (!mayPass(request, writes)) return reply.code(405).send({ error: 'the dashboard only shows' })
      const act = boardAct(request)
      if (act !== undefined) await tellAct({ actor: `board:${user}`, ...act })
    })
    app.addHook('preSerialization', async (_request, reply, payload) =>
      reply.statusCode < 400 ? shownAnswer(payload) : { error: 'refused' },
    )
    app.addHook('onSend', async (_request, reply, payload) =>
      typeof payload === 'string' && String(reply.getHeader('content-type')).startsWith('text/html')
        ? payload.replace(foreignLink, '')
        : payload,
    )
    await app.register(adapter.registerPlugin(), { prefix: base })
    await app.register(deadLetterRoutes, { deadLetters, user })
  }
}

function shownQueue(queue: Queue, writes: boolean): BullMQAdapter {
  // What is dead is retried as dead letters are: the log has written it off.
  const adapter = new BullMQAdapter(queue, { readOnlyMode: !writes, allowRetries: false })
  adapter.setFormatter('name', () => queue.name)
  adapter.setFormatter('data', (data: unknown) => shownData(queue.name, data))
  adapter.setFormatter('returnValue', () => null)
  // Nobody here writes any: whatever stands there came from elsewhere.
  adapter.getJobLogs = async () => []
  return adapter
}

/** Every request under this scope has to bring user and password; whatever is answered may not leave the browser. */
async function guardWith(app: FastifyInstance, gate: Gate): Promise<void> {
  await app.register(basicAuth, {
    authenticate: { realm: 'Latchkey queues' },
    utf8: true,
    validate: (user, password, request, reply) =>
      gate({ user, password }, request).catch((error: unknown) => {
        if (isRefusal(error) && error.retryAfterSeconds !== undefined)
          reply.header('retry-after', String(error.retryAfterSeconds))
        throw error
      }),
  })
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: policy },
    xFrameOptions: { action: 'deny' },
    // The ops port speaks plain HTTP, inside.
    strictTransportSecurity: false,
  })
  app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'))
  app.addHook('onRequest', app.basicAuth)
  app.setErrorHandler(answerError)
}

/** No error of anything in here is quoted. */
const answerError = (error: unknown, _request: FastifyRequest, reply: FastifyReply) =>
  reply.code(isRefusal(error) ? error.statusCode : 500).send({ error: 'refused' })

/** Reading may everybody who is let in. What changes anything must not come from another site, which would bring the password along. */
function mayPass({ method, url, headers }: FastifyRequest, writes: boolean): boolean {
  if (method === 'GET' || method === 'HEAD') return true
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return false
  const [path = ''] = url.split('?', 1)
  return path.startsWith('/dead-letters/') || (writes && allowed.test(path))
}

/** What is done by the dashboard itself, in the words of the audit; undefined for what only looks, and for dead letters. */
function boardAct({ method, url }: FastifyRequest): Pick<Parameters<TellAct>[0], 'action' | 'target'> | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined
  const [, about = '', what] = /^\/board\/api\/queues\/(.*?)\/?(pause|resume|promote)(?:\?|$)/.exec(url) ?? []
  if (what !== 'pause' && what !== 'resume' && what !== 'promote') return undefined
  return { action: `queue.${what}`, target: about.replace('/', ':').slice(0, 300) || '*' }
}
