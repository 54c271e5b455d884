import type { ErrorCode } from '@latchkey/contracts/errors'
import { type BodyOf, type Endpoint, failuresByStatus, Problem } from '@latchkey/contracts/endpoint'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import { type Static, type TSchema, Type } from 'typebox'

export interface Call<E extends Endpoint> {
  readonly body: BodyOf<E>
  readonly params: E['params'] extends TSchema ? Static<E['params']> : undefined
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** A success: one of the statuses the endpoint declares, with the body that belongs to it. */
export type Reply<E extends Endpoint> = {
  [S in keyof E['replies'] & number]: {
    readonly status: S
    readonly body: E['replies'][S] extends TSchema ? Static<E['replies'][S]> : never
  }
}[keyof E['replies'] & number]

/** Where no body is expected, none or `{}` may come; anything in it is refused. */
const NoBody = Type.Union([Type.Object({}, { additionalProperties: false }), Type.Null()])

/** Serves an endpoint as its contract describes it: what it takes, what it answers, how it fails. */
export function mount<E extends Endpoint, const R extends Reply<E>>(
  app: FastifyInstance,
  endpoint: E,
  handle: (call: Call<E>) => Promise<R>,
  { tag, ...options }: Omit<RouteShorthandOptions, 'schema'> & { tag?: string } = {},
): void {
  app.route({
    ...options,
    method: endpoint.method,
    url: endpoint.path,
    schema: {
      summary: endpoint.summary,
      ...(tag !== undefined && { tags: [tag] }),
      ...(endpoint.bearer && { security: [{ bearer: [] }] }),
      ...(endpoint.params && { params: endpoint.params }),
      ...(endpoint.query && { querystring: endpoint.query }),
      ...(endpoint.method !== 'GET' && { body: endpoint.body ?? NoBody }),
      response: responses(endpoint),
    },
    handler: async (request, reply) => {
      const call = { body: request.body, params: request.params, request, reply } as unknown as Call<E>
      const { status, body } = (await handle(call)) as { status: number; body: unknown }
      return reply.code(status).send(status === 204 ? undefined : body)
    },
  })
}

const successes: Readonly<Record<string, string>> = {
  200: 'Done',
  201: 'Created',
  202: 'Accepted: a message is on its way, or looks as if it were',
  204: 'Done; nothing to say',
}

/** What any route may answer before its own code is asked. */
const atTheEdge: readonly ErrorCode[] = ['internal', 'unavailable']
const atTheEdgeOfBodies: readonly ErrorCode[] = [
  ...atTheEdge,
  'request.invalid',
  'request.too_large',
  'request.media_type',
]

function responses(endpoint: Endpoint): Record<number, unknown> {
  const edge = endpoint.method === 'GET' ? atTheEdge : atTheEdgeOfBodies
  const fails = [...new Set([...endpoint.fails, ...edge])]
  const problems = [...failuresByStatus({ ...endpoint, fails })].map(([status, codes]): [string, unknown] => [
    String(status),
    {
      description: codes.map((code) => `\`${code}\``).join(', '),
      content: { 'application/problem+json': { schema: Problem } },
    },
  ])
  const replies = Object.entries(endpoint.replies).map(([status, schema]): [string, unknown] => [
    status,
    { description: successes[status] ?? 'Done', ...schema },
  ])
  return Object.fromEntries<unknown>([...problems, ...replies])
}
