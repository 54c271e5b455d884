import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { type RequestOptions, request as httpsRequest } from 'node:https'
import twilio from 'twilio'

/** Twilio answered, but not with 2xx. */
export class TwilioRefusal extends Error {
  override readonly name = 'TwilioRefusal'
  constructor(
    readonly status: number,
    readonly code: number | undefined,
    readonly retryAfterMs: number | undefined,
  ) {
    super(`twilio answered ${status} ${code ?? ''}`)
  }
}

/** No usable answer came. `written` says whether the request may have reached Twilio. */
export class TwilioSilence extends Error {
  override readonly name = 'TwilioSilence'
  constructor(
    readonly written: boolean,
    readonly code: string,
  ) {
    super(`twilio did not answer (${code})`)
  }
}

interface HttpOptions {
  readonly baseUrl: string
  /** For a whole call, connecting included. */
  readonly timeoutMs: number
  readonly connections: number
}

/** The SDK's HTTP client, pointed at `baseUrl`, that gives up in time and throws only the two errors above: the SDK's own quote numbers and texts. */
export function createTwilioHttp({ baseUrl, timeoutMs, connections }: HttpOptions): twilio.RequestClient {
  const base = new URL(baseUrl)
  const wire = watchedTransport(base.protocol === 'https:')
  const client = new twilio.RequestClient({
    timeout: timeoutMs,
    maxSockets: connections,
    maxTotalSockets: connections,
    // The SDK keeps five: the rest would greet TLS anew with every message.
    maxFreeSockets: connections,
  })
  client.axios.defaults.httpAgent = new HttpAgent({
    keepAlive: true,
    maxSockets: connections,
    maxFreeSockets: connections,
  })
  client.axios.defaults.maxContentLength = 256 * 1024
  client.axios.interceptors.request.use((config) =>
    // A silence limit alone would let an answer drip in for ever.
    Object.assign(config, { transport: wire, signal: AbortSignal.timeout(timeoutMs) }),
  )

  const send = client.request.bind(client)
  client.request = async <T>(options: RequestOptionsOf<T>) => {
    const response = await send<T>({ ...options, uri: rebase(options.uri, base), logLevel: 'none' }).catch(
      (error: unknown) => {
        throw new TwilioSilence(wire.written(requestOf(error)), codeOf(error))
      },
    )
    const { statusCode, body, headers } = response as { statusCode: number; body: unknown; headers: unknown }
    if (statusCode < 200 || statusCode > 299)
      throw new TwilioRefusal(statusCode, errorCode(body), retryAfterMs(headers))
    // The SDK would quote a body that it cannot parse.
    if (typeof body !== 'object' || body === null) throw new TwilioSilence(true, 'unreadable')
    return response
  }
  return client
}

type RequestOptionsOf<T> = Parameters<typeof twilio.RequestClient.prototype.request<T>>[0]

/** Node's own transport, which remembers the requests whose connection is not up yet: of those nothing was sent. */
function watchedTransport(tls: boolean) {
  const unsent = new WeakSet<ClientRequest>()
  return {
    request(options: RequestOptions, onResponse: (response: IncomingMessage) => void): ClientRequest {
      const request = tls ? httpsRequest(options, onResponse) : httpRequest(options, onResponse)
      unsent.add(request)
      request.once('socket', (socket) => {
        if (socket.connecting) socket.once(tls ? 'secureConnect' : 'connect', () => unsent.delete(request))
        else unsent.delete(request)
      })
      return request
    },
    written: (request: ClientRequest | undefined) => request === undefined || !unsent.has(request),
  }
}

function rebase(uri: string, base: URL): string {
  const url = new URL(uri)
  url.protocol = base.protocol
  url.host = base.host
  // Setting `host` without a port keeps the old one.
  url.port = base.port
  return url.href
}

function requestOf(error: unknown): ClientRequest | undefined {
  const { request } = error as { request?: ClientRequest }
  return request
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code.slice(0, 64) : 'unknown'
}

function errorCode(body: unknown): number | undefined {
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined
  return typeof code === 'number' && Number.isInteger(code) ? code : undefined
}

function retryAfterMs(headers: unknown): number | undefined {
  const value = (headers as Record<string, unknown> | undefined)?.['retry-after']
  if (typeof value !== 'string') return undefined
  const seconds = Number(value)
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}
