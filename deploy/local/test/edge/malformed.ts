import { Check } from 'typebox/schema'
import { fieldsOf, type Operation, type Schema } from './operations.js'

// All that can be wrong with a request before anybody looks at what it means.

/** A request as it goes over the wire. */
export interface Wire {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Malformed {
  readonly what: string
  readonly wire: Wire
  /** What may answer it. */
  readonly statuses: readonly number[]
  /** On /v1, where the refusal has to point to. */
  readonly at?: string
}

/** A call as a front end makes it. */
export interface Good {
  /** With what varies filled in, and its query. */
  readonly path: string
  readonly body?: unknown
  readonly token?: string | undefined
}

const json = { 'content-type': 'application/json' }
export const bodyLimitBytes = 16 * 1024
const shape = [400, 422]
/** What is well-formed but cannot be: told as invalid, as a wrong secret, as an end. */
const any = [400, 401, 404, 410, 422]

/** A value of the wrong kind for each kind there is; the raw ones as no JavaScript value would be written. */
const values: readonly [what: string, raw: string][] = [
  ['null', 'null'],
  ['true', 'true'],
  ['a number', '919876543210'],
  ['a list', '["text"]'],
  ['an object', '{"$ne":""}'],
  ['an empty text', '""'],
  ['a long text', `"${'x'.repeat(4_000)}"`],
  ['lists in lists', '['.repeat(3_000) + ']'.repeat(3_000)],
]
const deep = '{"a":'.repeat(2_000) + '1' + '}'.repeat(2_000)
const texts: readonly [what: string, raw: string][] = [
  ['NUL', '"a\\u0000b"'],
  ['half a character', '"a\\ud83db"'],
]

const documents: readonly [what: string, raw: string][] = [
  ['a list', '[]'],
  ['a text', '"text"'],
  ['a list of what is asked for', '[{}]'],
  ['half an object', '{"a":'],
  ['a prototype', '{"__proto__":{"isAdmin":true}}'],
  ['a prototype inside', '{"a":{"__proto__":{"isAdmin":true}}}'],
  ['a constructor', '{"constructor":{"prototype":{"isAdmin":true}}}'],
  ['eight thousand lists', '['.repeat(8_000) + ']'.repeat(8_000)],
  ['eight thousand lists, open', '['.repeat(8_000)],
  ['objects in objects', '{"a":'.repeat(2_500) + '1' + '}'.repeat(2_500)],
  ['a prototype in disguise', '{"\\u005f_proto__":{"isAdmin":true}}'],
  ['a number', '1'],
  ['true', 'true'],
  ['two objects', '{}{}'],
  ['no JSON', '{a:1}'],
  ['NaN', '{"a":NaN}'],
]

const mediaTypes = [
  'text/plain',
  'text/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
  'application/problem+json',
  'application/jsonp',
  'json',
  '*/*',
  'application/json, text/plain',
  'text/plain; application/json',
]

/**
 * Everything that is tried with the body of an operation; with `good` as it is nothing of it would be wrong. What is refused before
 * anybody asks which operation it is for comes with a few of each kind only, unless `thorough`.
 */
export function malformed(operation: Operation, good: Good, thorough: boolean): Malformed[] {
  const few = <T>(all: readonly T[], most: number) => (thorough ? all : all.slice(0, most))
  const { method, face, body: schema } = operation
  const headers = good.token === undefined ? {} : { authorization: `Bearer ${good.token}` }
  const wire = (body: string | undefined, type: Record<string, string> = json): Wire => ({
    method,
    path: good.path,
    headers: { ...headers, ...type },
    ...(body !== undefined && { body }),
  })
  if (method === 'GET') return []
  const text = JSON.stringify(good.body ?? {})
  // A dialect that looks at no body takes any JSON.
  const looksAtNone = schema === undefined && face !== 'v1'
  const refused: Malformed[] = []
  for (const [what, raw] of few(documents, 8))
    if (!looksAtNone || !isJson(raw)) refused.push({ what: `${what} for a body`, wire: wire(raw), statuses: shape })
  if (!looksAtNone)
    for (const name of ['__proto__', 'constructor']) {
      const poison = `"${name}":{"prototype":{"isAdmin":true}}`
      const raw = text === '{}' ? `{${poison}}` : `${text.slice(0, -1)},${poison}}`
      refused.push({ what: `${name} beside all that is right`, wire: wire(raw), statuses: shape })
    }
  for (const type of few(mediaTypes, 3))
    refused.push({ what: type, wire: wire(padded(text), { 'content-type': type }), statuses: [415] })
  refused.push({ what: 'no type', wire: wire(padded(text), {}), statuses: [415] })
  refused.push({ what: 'one byte too many', wire: wire(text.padEnd(bodyLimitBytes + 1)), statuses: [413] })
  if (thorough) refused.push({ what: 'a megabyte', wire: wire(text.padEnd(1_000_000)), statuses: [413] })
  for (const [name, field] of Object.entries(fieldsOf(schema)))
    for (const one of wrongFields(name, field, good.body)) refused.push({ ...one, wire: wire(one.raw) })
  if (face === 'v1')
    for (const name of ['colour', 'constructor', 'toString', 'hasOwnProperty', 'is_admin', 'a/b~c', '']) {
      const at = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      const raw = JSON.stringify({ ...(good.body as object), [name]: 'red' })
      refused.push({ what: `unknown: "${name}"`, wire: wire(raw), statuses: [400], at })
    }
  return refused
}

/** Every way to be wrong in one field. */
function wrongFields(name: string, field: Schema, body: unknown): (Omit<Malformed, 'wire'> & { raw: string })[] {
  const mark = `‹${name}›`
  const whole = JSON.stringify({ ...(body as object), [name]: mark })
  const raw = (value: string) => whole.replace(JSON.stringify(mark), () => value)
  const kinds = values
    .filter(([, value]) => !Check(field, JSON.parse(value)))
    .map(([what, value]) => ({ what: `${name}: ${what}`, raw: raw(value), statuses: shape, at: `/${name}` }))
  if (field.type === 'object')
    return [...kinds, { what: `${name}: objects in objects`, raw: raw(deep), statuses: shape, at: `/${name}` }]
  // A bad device token is no error; a number has no characters.
  if (name === 'deviceToken' || (field.type !== 'string' && field.anyOf === undefined)) return kinds
  return [
    ...kinds,
    ...texts
      .filter(([, value]) => Check(field, JSON.parse(value)) || field.type === 'string')
      .map(([what, value]) => ({ what: `${name}: ${what}`, raw: raw(value), statuses: any })),
  ]
}

/** Long enough that no parser can take it for nothing. */
const padded = (text: string) => (text === '{}' ? '{"a":1}' : text)

function isJson(raw: string): boolean {
  try {
    JSON.parse(raw)
    return !raw.includes('proto')
  } catch {
    return false
  }
}
