import type { ErrorCode } from '@latchkey/contracts/errors'
import type { BodyOf, Endpoint, ParamsOf, QueryOf } from '@latchkey/contracts/endpoint'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import { type Static, type TSchema, Type } from 'typebox'
import { AppError } from './app-error.js'
import { refuse, type Voice, type Wording } from './voice.js'

export interface Call<E extends Endpoint> {
  readonly body: BodyOf<E>
  readonly params: ParamsOf<E>
  readonly query: QueryOf<E>
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

/** The `body` of an endpoint that takes any JSON or none, and does not look at it. */
export const IgnoredBody = Type.Unsafe<unknown>({})

interface MountOptions extends Omit<RouteShorthandOptions, 'schema'> {
  readonly tag?: string
  /** What this endpoint's own refusals are called where its face says it otherwise elsewhere. */
  readonly words?: Partial<Voice['wordings']>
}

/** Serves an endpoint as its contract describes it: what it takes, what it answers, how it fails in the voice of its place. */
export function mount<E extends Endpoint, const R extends Reply<E>>(
  app: FastifyInstance,
  endpoint: E,
  handle: (call: Call<E>) => Promise<R>,
  { tag, words = {}, ...options }: MountOptions = {},
): void {
  const voice = app.voiceAt(`${app.prefix}${endpoint.path}`)
  const body = endpoint.body ?? NoBody
  app.route({
    ...options,
    method: endpoint.method,
    url: endpoint.path,
    config: { bodyIgnored: body === IgnoredBody },
    schema: {
      summary: endpoint.summary,
      ...(tag !== undefined && { tags: [tag] }),
      ...(endpoint.bearer && { security: [{ bearer: [] }] }),
      ...(endpoint.params && { params: endpoint.params }),
      ...(endpoint.query && { querystring: endpoint.query }),
      ...(endpoint.method !== 'GET' && body !== IgnoredBody && { body }),
      response: responses(endpoint, voice, words),
    },
    handler: async (request, reply) => {
      const call = {
        body: request.body,
        params: request.params,
        query: request.query,
        request,
        reply,
      } as unknown as Call<E>
      try {
        const { status, body } = (await handle(call)) as { status: number; body: unknown }
        return reply.code(status).send(status === 204 ? undefined : body)
      } catch (error) {
        const wording: Wording | undefined = error instanceof AppError ? words[error.code] : undefined
        if (wording === undefined) throw error
        return refuse(error as AppError, wording, voice, { request, reply })
      }
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

function responses(endpoint: Endpoint, voice: Voice, words: Partial<Voice['wordings']>): Record<number, unknown> {
  const { contentType, wordings } = voice
  const edge = endpoint.method === 'GET' ? atTheEdge : atTheEdgeOfBodies
  // Who is refused before the endpoint's own code is asked hears the voice of the place, not the words of the endpoint.
  const before = [...edge, ...endpoint.fails.filter((code) => code === 'rate.limited')]
  const said = [
    ...endpoint.fails.map((code) => [code, words[code] ?? wordings[code]] as const),
    ...before.map((code) => [code, wordings[code]] as const),
  ]
  const failures = new Map<number, { codes: Set<ErrorCode>; schemas: Set<TSchema> }>()
  for (const [code, { status, schema }] of said) {
    const { codes, schemas } = failures.get(status) ?? { codes: new Set(), schemas: new Set() }
    failures.set(status, { codes: codes.add(code), schemas: schemas.add(schema) })
  }
  const mediaType = contentType.split(';', 1)[0] ?? contentType
  const refusals = [...failures].map(([status, { codes, schemas }]): [string, unknown] => [
    String(status),
    {
      description: [...codes].map((code) => `\`${code}\``).join(', '),
      content: { [mediaType]: { schema: schemas.size === 1 ? [...schemas][0] : Type.Union([...schemas]) } },
    },
  ])
  const replies = Object.entries(endpoint.replies).map(([status, schema]): [string, unknown] => [
    status,
    { description: successes[status] ?? 'Done', ...schema },
  ])
  return Object.fromEntries<unknown>([...refusals, ...replies])
}
