import type { PasswordRules } from '@latchkey/contracts/internal/users'
import { isStorable } from '../database.js'
import { isCommon } from './common-passwords.js'

const lengthsMin: Readonly<Record<PasswordRules, number>> = { standard: 8, lenient: 6 }
const lengthMax = 128

/** The one spelling of a password that is hashed: keyboards differ in how they compose the same letters. */
export const normalizePassword = (password: string): string => password.normalize('NFC')

/** Whether a password could be anybody's; if not, it need not be compared. */
export function isPossible(password: string): boolean {
  return isStorable(password) && codePoints(normalizePassword(password)) <= lengthMax
}

/** Whose password it is to be, and which rules it must keep: the lenient ones want a length and nothing else. */
export interface PasswordOwner {
  readonly phone: string | null
  readonly email: string | null
  readonly rules: PasswordRules
}

/** Why a password is refused, in plain words; nothing where it is accepted. */
export function weaknesses(password: string, { phone, email, rules }: PasswordOwner): string[] {
  if (!isStorable(password)) return ['It contains characters that are not text.']
  const normal = normalizePassword(password)
  const length = codePoints(normal)
  const lengthMin = lengthsMin[rules]
  const strict = rules === 'standard'
  return [
    length < lengthMin && `It is shorter than ${lengthMin} characters.`,
    length > lengthMax && `It is longer than ${lengthMax} characters.`,
    strict && isCommon(normal) && 'It is one of the passwords that are used, and tried, most often.',
    strict && phone !== null && isPhone(normal, phone) && 'It is your phone number.',
    strict && email !== null && isEmail(normal, email) && 'It is your e-mail address, or the part before the @.',
  ].filter((reason) => reason !== false)
}

const codePoints = (text: string): number => Array.from(text).length

/** Any spelling: with spaces, dashes or brackets, with `00` or `0` in front, or without the calling code (one to three digits). */
function isPhone(password: string, phone: string): boolean {
  const text = password.normalize('NFKC')
  if (/[^\d\s+()./-]/.test(text)) return false
  const digits = text.replace(/\D/g, '').replace(/^0+/, '')
  const full = phone.replace(/\D/g, '')
  return full.endsWith(digits) && digits.length >= full.length - 3
}

function isEmail(password: string, email: string): boolean {
  const [text, address] = [password.trim().toLowerCase(), email.trim().toLowerCase()]
  return text === address || text === address.slice(0, address.lastIndexOf('@'))
}
