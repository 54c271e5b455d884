import type { ChallengeMessage } from '@latchkey/contracts/challenge-record'
import type { Language, MessageLanguages } from '@latchkey/contracts/v1/languages'
import type { Purpose } from '@latchkey/contracts/v1/shapes'
import ar from './ar.json' with { type: 'json' }
import en from './en.json' with { type: 'json' }
import es from './es.json' with { type: 'json' }
import fr from './fr.json' with { type: 'json' }
import hi from './hi.json' with { type: 'json' }
import pt from './pt.json' with { type: 'json' }

interface Texts {
  readonly code: Readonly<Record<Purpose, string>>
  readonly accountExists: string
  readonly phoneChanged: string
  readonly emailChanged: string
  readonly help: string
}

/** Of right-to-left languages, the marks around the brand keep it, and the digits behind it, where they are read. */
const texts: Readonly<Record<Language, Texts>> = { ar, en, es, fr, hi, pt }

/** A message that is really sent: a decoy has no text. */
export type Sendable = Exclude<ChallengeMessage, { kind: 'decoy' }>

export type Render = (message: Sendable, purpose: Purpose, locale: string) => string

/**
 * Longest brand and domain with which every text still fits one SMS segment, ten digits included; two where the script is none
 * of GSM-7. Words of the Latin languages are chosen so that all their letters are of GSM-7.
 */
export const brandMax = 20
export const domainMax = 40
/** A notice with a link may have one segment more: it is rare, and has to be read. */
export const pagesUrlMax = 40

/** How a change is undone: a link, where the pages can be reached, else what the API takes. Behind `#`, so that no server writes it into its log. */
export const wayToUndo = (undoToken: string, pagesUrl: string | undefined): string =>
  pagesUrl === undefined ? undoToken : `${pagesUrl}/undo#${undoToken}`

interface Wording {
  readonly brand: string
  /** Of the hosted pages. */
  readonly pagesUrl?: string | undefined
  readonly domain?: string | undefined
  readonly languages: MessageLanguages
}

/** The language that is written for a locale. */
export const languageOf = (locale: string, languages: MessageLanguages): Language =>
  languages.find((language) => language === locale.slice(0, 2).toLowerCase()) ?? languages[0]

/** Puts a message into words. Nothing a user typed has a place in it: only the code or an undo token, and three names from the configuration. */
export function createRender({ brand, domain, pagesUrl, languages }: Wording): Render {
  return function render(message, purpose, locale) {
    const { code, accountExists, phoneChanged, emailChanged } = texts[languageOf(locale, languages)]
    if (message.kind === 'account_exists') return accountExists.replace('{brand}', () => brand)
    if (message.kind !== 'code') {
      const notice = message.kind === 'phone_changed' ? phoneChanged : emailChanged
      return notice.replace('{brand}', () => brand).replace('{token}', () => wayToUndo(message.undoToken, pagesUrl))
    }
    const text = code[purpose].replace('{brand}', () => brand).replace('{code}', () => message.code)
    // Browsers and phones look for this line at the very end (WebOTP).
    return domain === undefined ? text : `${text}\n\n@${domain} #${message.code}`
  }
}

/** What is answered to whoever texts us HELP. */
export const helpText = ({ brand, languages }: Pick<Wording, 'brand' | 'languages'>): string =>
  texts[languages[0]].help.replace('{brand}', () => brand)
