import { type Operation, sample } from '../../edge/operations.js'
import { type Act, signedIn } from './act.js'
import { dialectActs } from './dialects.js'
import type { Person } from './person.js'
import { v1Acts } from './v1.js'

const written: Readonly<Record<string, Act>> = {
  ...Object.fromEntries(Object.entries(v1Acts).map(([name, act]) => [`v1.${name}`, act])),
  ...dialectActs,
}

/** Everything that can be done, by name. What nobody wrote an act for is asked with what its document gives for an example. */
export function actsOf(operations: ReadonlyMap<string, Operation>): Readonly<Record<string, Act>> {
  const known = new Set(Object.values(written).map(({ op }) => op))
  const others = [...operations].filter(([op]) => !known.has(op))
  return {
    ...written,
    ...Object.fromEntries(others.map(([op, operation]) => [op.replace(' ', ':'), byExample(op, operation)])),
  }
}

function byExample(op: string, { face, method, path, bearer, body }: Operation): Act {
  const forOperators = path.includes('/admin/')
  const right = ({ operator }: Person) => ({
    path: path.replace(/\{\w+\}/g, 'abc'),
    ...(body !== undefined && { body: sample(body) }),
    ...(forOperators && !operator && { never: 'he is no operator' }),
  })
  const act: Act = bearer ? signedIn(face, op, right) : { op, right }
  if (!forOperators || method === 'GET') return act
  // What an operator switches off is off for everybody else who lives at the same time.
  return { ...act, right: (who, tools) => (who.operator ? right(who) : act.right(who, tools)) }
}
