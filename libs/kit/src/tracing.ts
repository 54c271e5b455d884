import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Scope } from './run.js'

// Attributes name routes, providers and outcomes: nothing of a person, no URL, no body.

/** The trace that a span which begins one belongs to. */
export const traceOfItsOwn = new AsyncLocalStorage<string>()

/** Sends what this process does to an OpenTelemetry collector from now on. Without one nothing is loaded, and nothing is done. */
export async function openTracing(
  { collector, service }: { collector: string | undefined; service: string },
  scope: Pick<Scope, 'defer'>,
): Promise<void> {
  if (collector === undefined) return
  const { startExport } = await import('./trace-export.js')
  scope.defer('tracing', startExport({ collector, service }))
}

/** Whether anything is traced. Asked once, where something is made: off, it costs nothing afterwards. */
export const isTracing = (): boolean => propagation.fields().length > 0

const tracer = () => trace.getTracer('latchkey')

/** The trace of a request: its id, which is a UUID, without the dashes. */
const traceOf = (requestId: string): string => requestId.replaceAll('-', '')

/** A span for each request, where anything is traced. `believes` callers who say which trace it is part of: only our own do. */
export function traceRequests(app: FastifyInstance, { believes }: { believes: boolean }): void {
  if (!isTracing()) return
  const spans = new WeakMap<FastifyRequest, { readonly span: Span; readonly within: typeof ROOT_CONTEXT }>()
  app.addHook('onRequest', (request, _reply, done) => {
    const parent = believes ? propagation.extract(ROOT_CONTEXT, request.headers) : ROOT_CONTEXT
    const { method, routeOptions } = request
    const attributes = { 'http.request.method': method, 'http.route': routeOptions.url ?? 'none' }
    const span = traceOfItsOwn.run(traceOf(request.id), () =>
      tracer().startSpan(`${method} ${routeOptions.url ?? ''}`.trim(), { kind: SpanKind.SERVER, attributes }, parent),
    )
    spans.set(request, { span, within: trace.setSpan(parent, span) })
    done()
  })
  // Behind the body, whose events belong to the connection and would lose it.
  app.addHook('preHandler', (request, _reply, done) => context.with(spans.get(request)?.within ?? ROOT_CONTEXT, done))
  app.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request)?.span
    span?.setAttribute('http.response.status_code', reply.statusCode)
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR })
    span?.end()
    done()
  })
}

/** What tells our own other side which trace its work is part of. */
export function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {}
  propagation.inject(context.active(), headers)
  return headers
}

/** Work as a span of its own; what it comes to is told by `seen`. */
export function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
  seen: (result: T) => Attributes,
): Promise<T> {
  return tracer().startActiveSpan(name, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    try {
      const result = await work()
      span.setAttributes(seen(result))
      return result
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  })
}

/** Something that happened to what a request began, long after it: a span in the trace of that request, linked to the work that heard of it. */
export function noteInTraceOf(requestId: string, name: string, attributes: Attributes): void {
  const heard = trace.getActiveSpan()?.spanContext()
  const links = heard === undefined ? [] : [{ context: heard }]
  traceOfItsOwn.run(traceOf(requestId), () => tracer().startSpan(name, { attributes, links, root: true }).end())
}
