import { dictionary } from '@zxcvbn-ts/language-common'

// Shorter ones are refused for their length.
const common: ReadonlySet<string> = new Set(dictionary['passwords-common'].filter((password) => password.length >= 8))

/** Whether a password stands on the list of the most used ones, in whatever case. */
export const isCommon = (password: string): boolean => common.has(password.toLowerCase())
