import type { User } from '@latchkey/contracts/v1/shapes'

interface Names {
  readonly first_name?: string
  readonly last_name?: string
  readonly name?: string
}

/** An account has one name; its two parts are kept beside it, since nobody could part it as its owner did. */
export function wholeName({ first_name: first = '', last_name: last = '', name = '' }: Names): {
  name: string | null
  profile: Record<string, unknown>
} {
  const parts = `${first.trim()} ${last.trim()}`.trim()
  if (parts === '') return { name: name.trim() || null, profile: {} }
  return { name: parts, profile: { first_name: first.trim(), last_name: last.trim() } }
}

/** The parts as they were given while they still make up the name; else its first word, and the rest. */
export function firstAndLast({ name, profile }: Pick<User, 'name' | 'profile'>): {
  first_name: string
  last_name: string
} {
  const whole = (name ?? '').trim()
  const { first_name: first, last_name: last } = profile
  if (typeof first === 'string' && typeof last === 'string' && `${first} ${last}`.trim() === whole)
    return { first_name: first, last_name: last }
  const [head = '', ...rest] = whole.split(/\s+/)
  return { first_name: head, last_name: rest.join(' ') }
}
