import { Type } from 'typebox'
import { E164 } from './phone.js'

/**
 * An e-mail address as it is kept: lower case, ASCII, without quotes. The brand is granted by the schema alone, and what it lets through
 * has no space, bracket, comma or line end: in a header it is one address and nothing else.
 */
export type Email = string & { readonly __brand: 'Email' }

const atom = "[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
export const Email = Type.Unsafe<Email>(
  Type.String({
    maxLength: 254,
    pattern: `^(?=[^@]{1,64}@)${atom}(\\.${atom})*@(${label}\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`,
    examples: ['asha@example.com'],
  }),
)

/** Where a message can go. */
export const Address = Type.Union([E164, Email])
export type Address = E164 | Email

export const isEmail = (address: Address): address is Email => address.includes('@')

/** Stands where an address would in mail that is for nobody. It breaks the pattern above: no address is equal to it. */
export const nobodysMail = '@' as Email

/** `asha@example.com` → `a•••@example.com`. */
export function maskEmail(email: Email): string {
  const at = email.lastIndexOf('@')
  return `${email.slice(0, 1)}${'•'.repeat(3)}${email.slice(at)}`
}
