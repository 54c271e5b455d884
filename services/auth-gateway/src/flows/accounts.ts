import { Email } from '@latchkey/contracts/address'
import type { Identifier } from '@latchkey/contracts/internal/users'
import { deepestProfile } from '@latchkey/contracts/v1/shapes'
import { AppError, invalidField } from '@latchkey/kit/app-error'
import { Value } from 'typebox/value'
import validator from 'validator'
import type { CanonicalPhone, ReadPhone } from '../phones/canonical-phone.js'

const usernamePattern = /^[a-z][a-z0-9._-]{2,31}$/
const emailLongest = 254
const longestIdentifier = 254

/** What a person typed to say who they are: exactly one kind each. A phone comes with its canonical reading. */
export type ReadIdentifier = (text: string) => Identifier & { readonly phone?: CanonicalPhone }

/** With `@` an e-mail, starting with `+` or a digit a phone, else a username. Throws `request.invalid` for an impossible phone. */
export function createReadIdentifier(readPhone: ReadPhone): ReadIdentifier {
  return function readIdentifier(text) {
    checkStorable('/identifier', text)
    const typed = text.trim()
    if (/^[+\d]/.test(typed) && !typed.includes('@')) return phoneIdentifier(typed)
    const value = typed.toLowerCase()
    // Lower case can be longer than what was typed.
    if (value === '' || value.length > longestIdentifier)
      throw invalidField('/identifier', 'must be a phone number, an e-mail address or a username')
    return { kind: value.includes('@') ? 'email' : 'username', value }
  }

  function phoneIdentifier(typed: string): ReturnType<ReadIdentifier> {
    const phone = readPhone(typed, '/identifier')
    return { kind: 'phone', value: phone.e164, phone }
  }
}

/** Trimmed and in lower case. Throws `request.invalid` for what is no address; the local part must be ASCII, since look-alikes are other people. */
export function readEmail(text: string): string {
  checkStorable('/email', text)
  const email = text.trim().toLowerCase()
  if (email.length > emailLongest || !validator.isEmail(email, { allow_utf8_local_part: false }))
    throw invalidField('/email', 'must be an e-mail address')
  return email
}

/** The same, of an address that mail is sent to: plain ASCII, domain included. */
export function readMailbox(text: string): Email {
  const email = readEmail(text)
  if (!Value.Check(Email, email))
    throw invalidField('/email', 'must be an e-mail address in plain ASCII, its domain included')
  return email
}

/** In lower case. `ryt` and digits is another kind of id, so nobody may be called that. */
export function readUsername(text: string): string {
  const username = text.toLowerCase()
  if (/^ryt\d+$/.test(username))
    throw invalidField('/username', 'must not be `ryt` and digits: that is another kind of id')
  if (!usernamePattern.test(username)) {
    throw invalidField('/username', 'must start with a letter and have 3 to 32 of a-z, 0-9, `.`, `_`, `-`')
  }
  return username
}

/** Throws `request.invalid` where a text holds NUL or half a character, which a database cannot keep, or an object nests too deep. */
export function checkStorable(path: string, value: unknown, depth = 0): void {
  if (depth > deepestProfile) throw invalidField(path, `is nested more than ${deepestProfile} levels deep`)
  if (typeof value === 'string') {
    if (value.includes('\u0000') || !isWellFormed(value))
      throw invalidField(path, 'holds characters that cannot be stored')
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      checkStorable(path, name, depth + 1)
      checkStorable(path, member, depth + 1)
    }
  }
}

// String.prototype.isWellFormed is ES2024; a lone surrogate does not survive UTF-8.
const isWellFormed = (text: string) => Buffer.from(text, 'utf8').toString('utf8') === text

/** The refusal of a caller who came too soon. */
export const tooSoon = (retryAt: Date, detail?: string): AppError =>
  new AppError('rate.limited', { retryAt, ...(detail !== undefined && { detail }) })
