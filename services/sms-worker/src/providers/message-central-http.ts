import { Pool } from 'undici'

/** No usable answer came. Says where it broke, never what was asked: the text and the password stand in the URL. */
export class MessageCentralSilence extends Error {
  override readonly name = 'MessageCentralSilence'
  constructor(
    /** Whether the request may have reached the carrier. */
    readonly written: boolean,
    readonly code: string,
  ) {
    super(`messagecentral did not answer (${code})`)
  }
}

export interface Answered {
  readonly status: number
  /** Parsed JSON; undefined where it is none. */
  readonly body: unknown
  readonly retryAfterMs: number | undefined
}

export interface MessageCentralHttp {
  /** Throws MessageCentralSilence only. */
  call(
    method: 'GET' | 'POST',
    path: string,
    query: Readonly<Record<string, string>>,
    options: { readonly token?: string; readonly timeoutMs: number },
  ): Promise<Answered>
}

/** Before these nothing was written. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])
const longestAnswerBytes = 256 * 1024

interface HttpOptions {
  readonly baseUrl: string
  readonly connections: number
  /** For a connection, its TLS greeting included. */
  readonly connectMs: number
}

/** Calls of MessageCentral's API, each given up in time however slowly its answer drips. */
export function createMessageCentralHttp({ baseUrl, connections, connectMs }: HttpOptions): MessageCentralHttp {
  const pool = new Pool(new URL(baseUrl).origin, {
    connections,
    connect: { timeout: connectMs },
    maxResponseSize: longestAnswerBytes,
  })
  return {
    async call(method, path, query, { token, timeoutMs }) {
      const late = new AbortController()
      const timer = setTimeout(() => late.abort(new MessageCentralSilence(true, 'timeout')), timeoutMs)
      try {
        const { statusCode, headers, body } = await pool.request({
          method,
          path: `${path}?${encoded(query)}`,
          headers: { accept: 'application/json', ...(token !== undefined && { authToken: token }) },
          signal: late.signal,
        })
        const text = await body.text()
        return { status: statusCode, body: parsed(text), retryAfterMs: retryAfterMs(headers['retry-after']) }
      } catch (error) {
        throw silence(error)
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** `+` is a space to most servers and a plus to some. */
const encoded = (query: Readonly<Record<string, string>>) =>
  new URLSearchParams(query).toString().replaceAll('+', '%20')

function silence(error: unknown): MessageCentralSilence {
  if (error instanceof MessageCentralSilence) return error
  const { code } = error as { code?: unknown }
  const name = typeof code === 'string' ? code.slice(0, 64) : 'unknown'
  return new MessageCentralSilence(!neverSent.has(name), name)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function retryAfterMs(header: string | string[] | undefined): number | undefined {
  const seconds = Number(typeof header === 'string' && header !== '' ? header : Number.NaN)
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined
}
