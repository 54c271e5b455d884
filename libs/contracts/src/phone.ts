import { Type } from 'typebox'

/** A number that `canonical phone` has accepted, in E.164. The brand is granted by the schema or the parser, never by a cast elsewhere. */
export type E164 = string & { readonly __brand: 'E164' }

export const E164 = Type.Unsafe<E164>(Type.String({ pattern: '^\\+[1-9]\\d{6,14}$', examples: ['+919876543210'] }))

/** Digits by which routes may tell numbers apart: more would nearly name one. */
export const rangeDigits = 7
/** The beginning of a number, as routes see it. */
export const rangeOf = (phone: E164): string => phone.slice(0, 1 + rangeDigits)

/** The last two digits, for somebody who never typed the number: enough to know one's own, and no more. */
export const lastTwoOf = (phone: E164): string => `${'•'.repeat(8)}${phone.slice(-2)}`

/** Stands where a number would in messages that are for nobody. It breaks the pattern above: no number is equal to it. */
export const nobody = '+0' as E164

/** `+919876543210` → `+91••••••3210`: country code and the last four digits (two for a short number). */
export function maskPhone(phone: E164, callingCode: string): string {
  const national = phone.slice(1 + callingCode.length)
  const shown = national.length > 6 ? 4 : 2
  return `+${callingCode}${'•'.repeat(national.length - shown)}${national.slice(-shown)}`
}
