import { nameOf, type Operation, readOperations, undeclared } from '../edge/operations.js'
import type { Answer } from '../journey/journey.js'

/** Throws where an answer of a face is none that its own documentation tells of: another status, or a body of another shape. */
export type HoldToDeclared = (method: string, path: string, answer: Answer) => void

/** Reads the OpenAPI documents of the faces that are spoken; `root` names the one that stands at the root too. */
export async function readDeclared(
  get: (path: string) => Promise<Answer>,
  root: string | undefined,
): Promise<HoldToDeclared> {
  const operations = new Map<string, Operation>()
  for (const operation of await readOperations(get)) {
    if (operation.face === 'v1') continue
    const { face, path } = operation
    for (const spoken of face === root ? [path, path.slice(1 + face.length)] : [path])
      operations.set(nameOf({ ...operation, path: spoken }), operation)
  }
  return function holdToDeclared(method, path, answer) {
    const operation = operations.get(`${method} ${(path.split('?', 1)[0] ?? '').replace(/(?<=.)\/$/, '')}`)
    const wrong = operation === undefined ? undefined : undeclared(operation, answer)
    if (wrong !== undefined) throw new Error(`${method} ${path} answers what is not declared: ${wrong}`)
  }
}
