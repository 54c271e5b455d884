import { Check } from 'typebox/schema'
import { bodyLimitBytes, malformed, type Wire } from '../../edge/malformed.js'
import { fieldsOf, type Operation } from '../../edge/operations.js'
import type { Act, Sent, Tools } from './act.js'
import type { Person } from './person.js'

// How an act becomes a request: as it should be, or in one of the ways in which it should not.

const garbage = 'eyJhbGciOiJub25lIn0.e30.'

/** What somebody sends, asked in a way; undefined where he has nothing to send so. */
export async function sentBy(act: Act, who: Person, how: string, tools: Tools): Promise<Sent | undefined> {
  if (how === 'wrong') return act.wrong?.(who)
  if (how === 'spent') return act.spent?.(who)
  if (how === 'right') return act.right(who, tools)
  // Nothing that is asked otherwise needs a code: nobody waits for one.
  return act.right(who, { ...tools, readCode: async () => undefined, readUndo: async () => undefined })
}

/** Why a success cannot be, by how the operation was asked. */
export function neverOf({ bearer }: Operation, how: string): string | undefined {
  if (how === 'wrong') return 'the secret is wrong'
  if (how === 'spent') return 'the secret was used'
  if (bearer && (how === 'anonymous' || how === 'foreign')) return 'the token is none'
  return undefined
}

export interface Made {
  readonly wire: Wire
  /** What may be answered, where that is certain. */
  readonly statuses?: (status: number) => boolean
}

/** The request as it goes over the wire. */
export function madeOf(operation: Operation, sent: Sent, how: string, more: string): Made {
  const { path = operation.path, body } = sent
  const token = how === 'anonymous' ? undefined : how === 'foreign' ? garbage : sent.token
  const bearer: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const json = { 'content-type': 'application/json', ...bearer }
  if (how === 'large' && operation.method !== 'GET') {
    const wire = { method: operation.method, path, headers: json, body: '{}'.padEnd(bodyLimitBytes + 1) }
    // Who is no operator is told so before his body is read.
    return { wire, statuses: (status) => status === 413 || (status === 401 && operation.bearer) }
  }
  if (how === 'malformed') {
    const all = malformed(operation, { path, token, ...(body !== undefined && { body }) }, true)
    const one = all[Number(more) % Math.max(1, all.length)]
    if (one !== undefined) return { wire: one.wire, statuses: (status) => status >= 400 && status < 500 }
  }
  const odd = how === 'junk' ? junk(operation, body, more) : body
  const wire: Wire = {
    method: operation.method,
    path,
    headers: odd === undefined ? bearer : json,
    ...(odd !== undefined && { body: JSON.stringify(odd) }),
  }
  if (how === 'flooded') return { wire, statuses: (status) => status === 429 }
  const schema = operation.body
  const isFine = how !== 'junk' || schema === undefined || Check(schema, JSON.parse(JSON.stringify(odd)))
  return isFine ? { wire } : { wire, statuses: (status) => status >= 400 && status < 500 }
}

/** The body with some of its fields, or some that it does not have, made of anything. */
function junk(operation: Operation, body: unknown, more: string): unknown {
  if (operation.method === 'GET') return undefined
  const names = [...Object.keys(fieldsOf(operation.body)), 'colour']
  const changed = (JSON.parse(more) as [number, unknown][]).map(([at, value]) => [names[at % names.length], value])
  return { ...(body as object), ...Object.fromEntries(changed) }
}
