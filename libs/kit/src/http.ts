import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ErrorCode } from '@latchkey/contracts/errors'
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
  LogController,
} from 'fastify'
import type { Logger } from 'pino'
import { Histogram, type Registry } from 'prom-client'
import { AppError } from './app-error.js'
import { lateCompilers } from './late-compilers.js'
import { createVoices, refuse, toProblem, type Voice } from './voice.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Everything under a prefix is refused in this voice from now on, whoever refuses it; routes mounted later document it. */
    speak(prefix: string, voice: Voice): void
    /** The voice that refuses under a path. */
    voiceAt(path: string): Voice
  }
  interface FastifyContextConfig {
    /** Whether nobody looks at the body: `{}` may come under any type, or none. */
    readonly bodyIgnored?: boolean
  }
}

interface HttpOptions {
  readonly log: Logger
  readonly metrics: Registry
  readonly trustProxy?: FastifyServerOptions['trustProxy']
  /** A handler that takes longer is answered for with `unavailable`; its work may still be done. 0 waits for ever. */
  readonly answerWithinMs?: number
  readonly requestId: (request: { headers: NodeJS.Dict<string | string[]> }) => string
  /** Who sends more slowly is cut off: its headers, and all of a request, in ms. */
  readonly patience?: { readonly headersMs: number; readonly requestMs: number }
}

export const bodyLimitBytes = 16 * 1024

/** All headers but the token. Node's own limit stands higher, so that a token of any size is refused as a token, by the face that was asked. */
const headerLimitBytes = 16 * 1024
const headerLimitOfNode = 128 * 1024

/** Development listens to this machine only; a container listens to its network. */
export const listenHost = (environment: 'development' | 'production'): string =>
  environment === 'development' ? '127.0.0.1' : '0.0.0.0'

/** A strict Fastify: nothing is coerced or dropped, bodies are small, every failure is an AppError, one log line and one timing per request. */
export function createHttp({
  log,
  metrics,
  trustProxy = false,
  answerWithinMs = 0,
  requestId,
  patience = { headersMs: 5_000, requestMs: 10_000 },
}: HttpOptions): FastifyInstance {
  const voices = createVoices()
  const refuseIn = (voice: Voice, thrown: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const error = asAppError(thrown)
    return refuse(error, voice.wordings[error.code], voice, { request, reply })
  }
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy,
    bodyLimit: bodyLimitBytes,
    genReqId: requestId,
    requestTimeout: patience.requestMs,
    http: {
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      connectionsCheckingInterval: Math.min(1_000, patience.headersMs),
      maxHeaderSize: headerLimitOfNode,
      // Node's own refusal of a request without one has no shape.
      requireHostHeader: false,
    },
    handlerTimeout: answerWithinMs,
    connectionTimeout: 30_000,
    // Fastify's own 503 of a closing server has no shape of ours, and no Retry-After: what still comes in is answered.
    return503OnClosing: false,
    // `*` is all of a server, and for OPTIONS only (RFC 9112, 3.2.4); the router would take it for `/`.
    rewriteUrl: ({ url = '/' }) => (url === '*' ? '/*' : url),
    routerOptions: { maxParamLength: 8_192, ignoreTrailingSlash: true },
    // No route was looked for: the path that was asked for is all there is.
    frameworkErrors: (error, request, reply) =>
      void refuseIn(voices.at(request.url), error, request as FastifyRequest, reply as FastifyReply),
    clientErrorHandler: refuseUnreadable,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: true } },
    schemaController: { compilersFactory: lateCompilers },
  }) as unknown as FastifyInstance
  limitHeaders(app)
  refuseHalfEscapes(app)
  tolerateEmptyJson(app)
  answerAllowedMethods(app)
  recordRequests(app, metrics)
  letGoWhenClosing(app)
  app.decorate('speak', voices.add)
  app.decorate('voiceAt', voices.at)
  app.setErrorHandler((thrown, request, reply) => refuseIn(voices.of(request), thrown, request, reply))
  return app
}

function limitHeaders(app: FastifyInstance): void {
  // Behind all of onRequest: what is refused here too has a name, is counted, and says what every answer says.
  app.addHook('preParsing', async ({ raw, headers }) => {
    if (headers.host === undefined && raw.httpVersion === '1.1')
      throw new AppError('request.invalid', { detail: 'The request names no host.' })
    const bytes = raw.rawHeaders.reduce((sum, { length }) => sum + length, 0) - (headers.authorization ?? '').length
    if (bytes > headerLimitBytes)
      throw new AppError('request.invalid', { detail: 'The headers of the request are too large.' })
  })
}

/** The parser takes half an escape for what stands there: an address nobody typed. */
function refuseHalfEscapes(app: FastifyInstance): void {
  app.addHook('preValidation', async ({ url, routeOptions }) => {
    if (routeOptions.schema?.querystring === undefined) return
    try {
      decodeURIComponent(url.slice(url.indexOf('?') + 1))
    } catch (cause) {
      const errors = [{ path: '/querystring/', message: 'is not percent-encoded UTF-8' }]
      throw new AppError('request.invalid', { errors, cause })
    }
  })
}

/** An empty body counts as none, whatever type it claims. Fastify's text parser goes: nobody speaks plain text here. */
function tolerateEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, ({ routeOptions }, body, done) => {
    if (body === '' || (routeOptions.config.bodyIgnored && body === '{}')) done(null, undefined)
    else done(new AppError('request.media_type'), undefined)
  })
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parse(request, body as string, done)
  })
}

/** A known path with another method is 405 with `Allow`; Fastify alone would say 404. */
function answerAllowedMethods(app: FastifyInstance): void {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    // Preflights are answered on every path, known or not.
    if (url === '*') return
    const pattern = new RegExp(
      `^${url
        .replace(/(?<=.)\/$/, '')
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replace(/:\w+/g, '[^/]+')
        .replace(/\*/g, '.*')}$`,
    )
    const route = routes.get(url) ?? { pattern, methods: new Set<string>() }
    for (const one of [method].flat()) route.methods.add(one)
    routes.set(url, route)
  })
  app.setNotFoundHandler(async (request, reply) => {
    const path = (request.url.split('?', 1)[0] ?? '').replace(/(?<=.)\/$/, '')
    const methods = [...routes.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((route) => [...route.methods])
    if (methods.length === 0) throw new AppError('not.found')
    reply.header('allow', [...new Set(methods)].join(', '))
    throw new AppError('method.not_allowed')
  })
}

/** The route's pattern is logged, never the URL: paths carry challenge ids, queries carry addresses. */
function recordRequests(app: FastifyInstance, metrics: Registry): void {
  const seconds = new Histogram({
    name: 'latchkey_http_request_seconds',
    help: 'Time to answer, by route pattern',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    registers: [metrics],
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    seconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000)
    request.log.info(
      { method: request.method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'request',
    )
  })
}

/** A connection that was busy when the server began to close would be kept alive afterwards, and hold the close up until its caller leaves. */
function letGoWhenClosing(app: FastifyInstance): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })
}

const lastCallMs = 250

/** Closes a server without cutting anybody off: Node counts a connection whose request is still on its way as idle, and would reset it. */
export async function closeHttp(app: FastifyInstance): Promise<void> {
  await sleep(lastCallMs)
  await app.close()
}

/** What a thrown thing is to a caller: ours as it is, Fastify's own refusals by their kind, the rest `internal`. */
export function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const { statusCode = 500, code: kind, validation, validationContext = '' } = thrown as Partial<FastifyError>
  // A path that cannot be decoded names nothing.
  if (kind === 'FST_ERR_BAD_URL') return new AppError('not.found', { cause: thrown })
  if (validation !== undefined) return refusedFields(validation, validationContext)
  const byStatus: Partial<Record<number, ErrorCode>> = {
    413: 'request.too_large',
    415: 'request.media_type',
    503: 'unavailable',
  }
  const code = byStatus[statusCode]
  // Who has waited long enough for a handler has not stopped it.
  if (code !== undefined)
    return new AppError(code, { cause: thrown, effect: code === 'unavailable' ? 'unknown' : 'none' })
  if (statusCode >= 400 && statusCode < 500)
    return new AppError('request.invalid', {
      detail: 'The request could not be read: send well-formed JSON.',
      cause: thrown,
    })
  return new AppError('internal', { cause: thrown, effect: 'unknown' })
}

/** `request.invalid` about what Ajv found; `context` is the part of the request it looked at, and begins every path but those of the body. */
export const refusedFields = (validation: readonly Validation[], context: string): AppError =>
  new AppError('request.invalid', {
    errors: withoutUnions(validation)
      .slice(0, mostErrors)
      .map((found) => field(found, context)),
  })

/** Of a union with null Ajv tells that no branch fits, and why not one by one; only what is wrong with the other branch helps. */
function withoutUnions(found: readonly Validation[]): readonly Validation[] {
  const telling = found.filter(
    ({ keyword, params }) => keyword !== 'anyOf' && !(keyword === 'type' && params['type'] === 'null'),
  )
  return telling.length > 0 ? telling : found.slice(0, 1)
}

/** Enough to mend a request; all of them would answer 15 KB with 90. */
const mostErrors = 20

/** A name as a part of a JSON Pointer (RFC 6901 §3). */
const pointer = (name: unknown) => String(name).replaceAll('~', '~0').replaceAll('/', '~1')

type Validation = NonNullable<FastifyError['validation']>[number]

function field(
  { keyword, instancePath, params, message = 'is not valid' }: Validation,
  context: string,
): { path: string; message: string } {
  const base = context === 'body' ? instancePath : `/${context}${instancePath}`
  if (keyword === 'additionalProperties')
    return { path: `${base}/${pointer(params['additionalProperty'])}`, message: 'is not known here; remove it' }
  if (keyword === 'required') return { path: `${base}/${pointer(params['missingProperty'])}`, message: 'is missing' }
  return base === '' ? { path: '/', message: 'must be a JSON object' } : { path: base, message }
}

/** What is no HTTP, comes too slowly or has headers beyond Node's limit never becomes a request: the answer is written by hand. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const { status, reason, detail } = unreadable[error.code ?? ''] ?? noHttp
    const body = JSON.stringify({ ...toProblem(new AppError('request.invalid', { detail })), status })
    const headers = [
      `HTTP/1.1 ${status} ${reason}`,
      'Content-Type: application/problem+json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      'X-Content-Type-Options: nosniff',
      'Connection: close',
    ]
    socket.write(`${headers.join('\r\n')}\r\n\r\n${body}`)
  }
  socket.destroySoon()
}

const noHttp = { status: 400, reason: 'Bad Request', detail: 'This is no HTTP request that can be read.' }
const unreadable: Readonly<Record<string, typeof noHttp>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'Request Timeout', detail: 'The request came too slowly.' },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    reason: 'Request Header Fields Too Large',
    detail: 'The headers of the request are too large.',
  },
}
