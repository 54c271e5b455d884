import { Pool } from 'undici'

export interface Answer {
  readonly status: number
  /** Parsed JSON; null where there is none. */
  readonly body: Readonly<Record<string, unknown>> | null
  /** What the answer sets, as a browser would send it back. */
  readonly cookies: string
}

interface Request {
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  /** Anything else throws. */
  readonly expect: number
}

export interface Client {
  post(path: string, request: Request): Promise<Answer>
  get(path: string, request: Request): Promise<Answer>
  close(): Promise<void>
}

/** Calls one server over kept connections, as many as an open loop needs. */
export function createClient(url: string): Client {
  const pool = new Pool(url, { connections: 512, headersTimeout: 30_000, bodyTimeout: 30_000 })
  async function call(method: 'GET' | 'POST', path: string, { body, headers = {}, expect }: Request): Promise<Answer> {
    const answer = await pool.request({
      method,
      path,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.body.text()
    if (answer.statusCode !== expect)
      throw new Error(`${method} ${path} was answered with ${answer.statusCode}: ${text.slice(0, 200)}`)
    const json = answer.headers['content-type']?.includes('json') === true && text !== ''
    return {
      status: answer.statusCode,
      body: json ? (JSON.parse(text) as Record<string, unknown>) : null,
      cookies: [answer.headers['set-cookie'] ?? []]
        .flat()
        .map((cookie) => cookie.split(';', 1)[0])
        .join('; '),
    }
  }
  return {
    post: (path, request) => call('POST', path, request),
    get: (path, request) => call('GET', path, request),
    close: () => pool.destroy(),
  }
}

/** A text in an answer, by its path: `textIn(body, 'session', 'accessToken')`. */
export function textIn(body: unknown, ...path: readonly string[]): string {
  let found = body
  for (const name of path) found = typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined
  if (typeof found !== 'string') throw new Error(`an answer has no text at ${path.join('.')}`)
  return found
}
