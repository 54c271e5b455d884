import type { ChallengeMessage } from '@latchkey/contracts/challenge-record'
import type { Purpose } from '@latchkey/contracts/v1/shapes'
import en from './en.json' with { type: 'json' }

interface Texts {
  readonly code: Readonly<Record<Purpose, string>>
  readonly accountExists: string
  readonly phoneChanged: string
  readonly help: string
}

/** One file per language, by its ISO 639-1 code. */
const languages: Readonly<Record<string, Texts>> = { en }

/** A message that is really sent: a decoy has no text. */
type Sendable = Exclude<ChallengeMessage, { kind: 'decoy' }>

export type Render = (message: Sendable, purpose: Purpose, locale: string) => string

/** Longest brand and domain with which every text still fits one SMS segment, ten digits included. */
export const brandMax = 20
export const domainMax = 40

/** Puts a message into words. Nothing a user typed has a place in it: only the code or an undo token, and two names from the configuration. */
export function createRender({ brand, domain }: { brand: string; domain?: string }): Render {
  return function render(message, purpose, locale) {
    const texts = languages[locale.slice(0, 2).toLowerCase()] ?? (en satisfies Texts)
    if (message.kind === 'account_exists') return texts.accountExists.replace('{brand}', () => brand)
    if (message.kind === 'phone_changed')
      return texts.phoneChanged.replace('{brand}', () => brand).replace('{token}', () => message.undoToken)
    const text = texts.code[purpose].replace('{brand}', () => brand).replace('{code}', () => message.code)
    // Browsers and phones look for this line at the very end (WebOTP).
    return domain === undefined ? text : `${text}\n\n@${domain} #${message.code}`
  }
}

/** What is answered to whoever texts us HELP. */
export const helpText = (brand: string): string => en.help.replace('{brand}', () => brand)
