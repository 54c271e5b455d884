// What a document of a dialect prints, as data, and how an answer is compared with it.

/** Lines of a document, letter for letter, from the line that is named (the first is 1). */
export interface Printed {
  readonly line: number
  readonly text: string
}

export interface Request {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** One call that a document prints, and what it answers; what the document leaves open is the wire contract's. */
export interface Example {
  /** What it shows, in the state that its section presumes. */
  readonly name: string
  /** Where the document prints the call, its body and its answer. */
  readonly printed: readonly Printed[]
  readonly request: Request
  readonly status: number
  readonly answer: unknown
  /** Members whose value differs from run to run (`user.id`): what they look like. */
  readonly varies?: Readonly<Record<string, RegExp | 'boolean' | 'integer'>>
  /** Members of this answer that take the place of a text in later requests: `{ '<access_token>': 'tokens.access' }`. */
  readonly keeps?: Readonly<Record<string, string>>
  /** Calls that bring about the state the section presumes; the document prints none of them here. */
  readonly before?: readonly Request[]
}

export interface Document {
  readonly dialect: 'staged' | 'careops' | 'jodimilan' | 'rently' | 'users-api'
  readonly file: string
  readonly examples: readonly Example[]
}

/** What `varies` says of a value that is a JSON Web Token, a time, an integer. */
export const aToken = /^[\w-]+\.[\w-]+\.[\w-]+$/
export const aTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** The request of a printed `curl` command; the host gives way to whoever plays it. */
export function readCurl(text: string): Request {
  const method = /-X (GET|POST)/.exec(text)?.[1]
  const path = /https?:\/\/[^/\s]+(\/\S*)/.exec(text)?.[1]
  if ((method !== 'GET' && method !== 'POST') || path === undefined) throw new Error(`no curl command: ${text}`)
  const headers = [...text.matchAll(/-H "([^:"]+): ([^"]*)"/g)].map(([, name = '', value = '']) => [
    name.toLowerCase(),
    value,
  ])
  const body = /-d '([^']*)'/.exec(text)?.[1]
  return { method, path, headers: Object.fromEntries(headers), ...(body !== undefined && { body: JSON.parse(body) }) }
}

/** Where an answer falls short of the documented one: every documented member must be there, and say the same. */
export function shortfalls(documented: unknown, answered: unknown, varies: Example['varies'] = {}, at = ''): string[] {
  const pattern = varies[at]
  if (pattern !== undefined)
    return fits(pattern, answered) ? [] : [`${at}: ${JSON.stringify(answered)} is not ${pattern}`]
  if (typeof documented !== 'object' || documented === null)
    return documented === answered ? [] : [`${at}: ${JSON.stringify(answered)} is not ${JSON.stringify(documented)}`]
  if (typeof answered !== 'object' || answered === null) return [`${at}: ${JSON.stringify(answered)} is no object`]
  return Object.entries(documented).flatMap(([name, value]) => {
    const path = at === '' ? name : `${at}.${name}`
    if (!Object.hasOwn(answered, name)) return [`${path}: is missing`]
    return shortfalls(value, (answered as Record<string, unknown>)[name], varies, path)
  })
}

function fits(pattern: RegExp | 'boolean' | 'integer', value: unknown): boolean {
  if (pattern === 'boolean') return typeof value === 'boolean'
  if (pattern === 'integer') return Number.isInteger(value)
  return typeof value === 'string' && pattern.test(value)
}

/** The member at a dotted path. */
export const member = (body: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], body)
