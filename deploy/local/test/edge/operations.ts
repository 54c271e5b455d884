import { Check, Errors } from 'typebox/schema'
import type { Answer } from '../journey/journey.js'
import { faces } from '../dialects/faces/faces.js'

// Every call that the gateway documents, as its OpenAPI documents have it.

export interface Schema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean
  readonly examples?: readonly unknown[]
  readonly minimum?: number
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>

interface Documented {
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly schema: Schema
    readonly example?: unknown
  }[]
  readonly requestBody?: { readonly content: Content }
  readonly security?: readonly object[]
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
}

export interface Operation extends Documented {
  /** `v1`, or a dialect's name. */
  readonly face: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With the face's prefix, `{name}` for what varies, without a slash at the end. */
  readonly path: string
  readonly bearer: boolean
  /** Absent where none is looked at. */
  readonly body?: Schema
}

/** How an operation is called in tables and figures. */
export const nameOf = ({ method, path }: Pick<Operation, 'method' | 'path'>): string => `${method} ${path}`

const trimmed = (path: string) => path.replace(/(?<=.)\/$/, '')

/** Every operation of /v1 and of the dialects that are spoken; what development adds is none. */
export async function readOperations(get: (path: string) => Promise<Answer>): Promise<Operation[]> {
  const found: Operation[] = []
  for (const face of ['v1', ...faces.map(({ name }) => name)]) {
    const prefix = face === 'v1' ? '' : `/${face}`
    const { status, body } = await get(`${prefix}/openapi.json`)
    if (status !== 200) continue
    for (const [path, methods] of Object.entries(body.paths as Record<string, Record<string, Documented>>)) {
      if (face === 'v1' && !path.startsWith('/v1/')) continue
      for (const [method, documented] of Object.entries(methods)) {
        const schema = documented.requestBody?.content['application/json']?.schema
        found.push({
          ...documented,
          face,
          method: method.toUpperCase() as Operation['method'],
          path: trimmed(`${prefix}${path}`),
          bearer: documented.security !== undefined,
          ...(schema !== undefined && { body: schema }),
        })
      }
    }
  }
  return found
}

/** What an operation does not declare about an answer, its status or its shape; undefined where all is declared. */
export function undeclared(
  { responses }: Pick<Operation, 'responses'>,
  { status, headers, body }: Answer,
): string | undefined {
  const declared = responses[status]
  if (declared === undefined) return `${status} is not declared`
  const type = String(headers['content-type']).split(';', 1)[0] ?? ''
  if (status === 204) return body === null ? undefined : '204 with a body'
  const schema = declared.content?.[type]?.schema
  if (schema === undefined) return `${status} with ${type} is not declared`
  if (Check(schema, body)) return undefined
  const [, errors] = Errors(schema, body)
  return `${status} with another body than is declared: ${JSON.stringify(errors)}`
}

/** A value that a schema takes, from its examples; every field but those that may be left out. */
export function sample(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.examples !== undefined) return schema.examples[0]
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.anyOf !== undefined) return sample(schema.anyOf.find(({ type }) => type !== 'null') ?? {})
  if (schema.type === 'integer') return schema.minimum ?? 1
  if (schema.type === 'boolean') return true
  if (schema.type !== 'object') return 'text'
  const { properties = {}, required = [] } = schema
  return Object.fromEntries(required.map((name) => [name, sample(properties[name] ?? {})]))
}

/** The fields of the object that a body is, where it is one. */
export function fieldsOf(body: Schema | undefined): Readonly<Record<string, Schema>> {
  return body?.properties ?? body?.anyOf?.find(({ type }) => type === 'object')?.properties ?? {}
}
