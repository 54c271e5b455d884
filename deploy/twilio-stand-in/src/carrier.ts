import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFaults, type Fault, readFault } from './faults.js'
import { createLatency, readLatency } from './latency.js'
import type { Ledger, Taken } from './ledger.js'
import { type Answer, misbehave, sendJson, type Words } from './misbehave.js'

/** One call of the carrier's own API. */
export interface CarrierCall {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** The fault that was ordered for this kind of call about this number, counted down. */
  fault(on: Fault['on'], to: string): Fault | undefined
}

/** What a call came to; under a fault, how it would have been answered. */
export type Reply = Answer | { readonly fault: Fault; readonly quoted: string; readonly work: () => Answer }

interface CarrierOptions {
  readonly ledger: Ledger<Taken>
  readonly words: Words
  readonly answer: (call: CarrierCall) => Reply | Promise<Reply>
}

/** What all stand-ins are: the API of one carrier, and beside it /ledger (what was taken), /faults (what goes wrong) and /latency (how long it takes). */
export function createCarrier({ ledger, words, answer }: CarrierOptions): Server {
  const faults = createFaults()
  let nextWaitMs: (() => number) | undefined

  /** Undefined where the call is the carrier's own. */
  function control(method: string, path: string, to: string | undefined, body: string): Answer | undefined {
    if (method === 'GET' && path === '/ledger') return { status: 200, body: ledger.list(to) }
    if (method === 'GET' && path === '/faults') return { status: 200, body: faults.left(to ?? '*') }
    if (method === 'DELETE' && path === '/faults') {
      faults.withdraw(to)
      return { status: 200, body: {} }
    }
    if (method === 'DELETE' && path === '/ledger') {
      ledger.clear()
      return { status: 200, body: {} }
    }
    if (path === '/latency') return slowDown(method, body)
    if (method !== 'POST' || path !== '/faults') return undefined
    const fault = readFault(parseJson(body))
    if (fault === undefined) return { status: 400, body: { message: 'this fault is not known' } }
    faults.order(fault)
    return { status: 201, body: fault }
  }

  /** POST /latency has the carrier take its time over every POST from now on; DELETE ends that. */
  function slowDown(method: string, body: string): Answer {
    const profile = method === 'DELETE' ? undefined : readLatency(parseJson(body))
    if (profile === undefined && method !== 'DELETE')
      return { status: 400, body: { message: 'this latency is not understood' } }
    nextWaitMs = profile && createLatency(profile)
    return { status: 200, body: profile ?? {} }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://stand-in')
    const { method = 'GET', headers } = request
    const body = await read(request)
    const told = control(method, path, query.get('to') ?? undefined, body)
    if (told !== undefined) return sendJson(response, told)
    if (nextWaitMs !== undefined && method === 'POST') await sleep(nextWaitMs())
    const reply = await answer({ method, path, query, headers, body, fault: (on, to) => faults.next(on, to) })
    if (!('fault' in reply)) return sendJson(response, reply)
    const { fault, quoted, work } = reply
    return misbehave(fault, { response, socket: request.socket, quoted, work, words })
  }
  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy())
  })
  // An idle connection that is closed just as a client uses it again looks like a fault nobody ordered.
  server.keepAliveTimeout = 120_000
  return server
}

/** Runs a stand-in as a process of its own, and says where. */
export function serve(server: Server): void {
  server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    process.stdout.write(`ready http://127.0.0.1:${port}\n`)
  })
  process.once('SIGTERM', () => process.exit(0))
  process.once('SIGINT', () => process.exit(0))
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** What a text says; undefined where it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
