import { Check, Errors } from 'typebox/schema'
import type { Answer } from '../journey/journey.js'
import { faces } from './faces/faces.js'

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

/** Throws where an answer of a face is none that its own documentation tells of: another status, or a body of another shape. */
export type HoldToDeclared = (method: string, path: string, answer: Answer) => void

const trimmed = (path: string) => (path.split('?', 1)[0] ?? '').replace(/(?<=.)\/$/, '')

/** Reads the OpenAPI documents of the faces that are spoken; `root` names the one that stands at the root too. */
export async function readDeclared(
  get: (path: string) => Promise<Answer>,
  root: string | undefined,
): Promise<HoldToDeclared> {
  const operations = new Map<string, Operation>()
  for (const { name } of faces) {
    const { status, body } = await get(`/${name}/openapi.json`)
    if (status !== 200) continue
    for (const [path, methods] of Object.entries(body.paths as Paths))
      for (const [method, operation] of Object.entries(methods))
        for (const prefix of name === root ? [`/${name}`, ''] : [`/${name}`])
          operations.set(`${method.toUpperCase()} ${prefix}${trimmed(path)}`, operation)
  }
  return function holdToDeclared(method, path, { status, headers, body }) {
    const operation = operations.get(`${method} ${trimmed(path)}`)
    if (operation === undefined) return
    const declared = operation.responses[status]
    if (declared === undefined) throw new Error(`${method} ${path} answers ${status}, which is not declared`)
    const type = String(headers['content-type']).split(';', 1)[0] ?? ''
    const schema = declared.content?.[type]?.schema
    if (schema === undefined) throw new Error(`${method} ${path} answers ${status} with ${type}, which is not declared`)
    if (Check(schema, body)) return
    const [, errors] = Errors(schema, body)
    throw new Error(`${method} ${path} answers ${status} with another body than is declared: ${JSON.stringify(errors)}`)
  }
}
