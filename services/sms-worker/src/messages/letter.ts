import type { Language, MessageLanguages } from '@latchkey/contracts/v1/languages'
import type { Purpose } from '@latchkey/contracts/v1/shapes'
import type { Letter } from '../providers/provider.js'
import ar from './letters/ar.json' with { type: 'json' }
import en from './letters/en.json' with { type: 'json' }
import es from './letters/es.json' with { type: 'json' }
import fr from './letters/fr.json' with { type: 'json' }
import hi from './letters/hi.json' with { type: 'json' }
import pt from './letters/pt.json' with { type: 'json' }
import { languageOf, type Sendable, wayToUndo } from './render.js'

/** `text` has {code} or {token} alone in a paragraph. */
interface Words {
  readonly subject: string
  readonly text: string
}

interface Letters {
  readonly code: Readonly<Record<Purpose, Words>>
  readonly accountExists: Words
  readonly phoneChanged: Words
  readonly emailChanged: Words
}

const letters: Readonly<Record<Language, Letters>> = { ar, en, es, fr, hi, pt }
const rightToLeft: ReadonlySet<Language> = new Set(['ar'])

export type WriteLetter = (
  message: Sendable,
  purpose: Purpose,
  locale: string,
) => { readonly body: string; readonly letter: Letter }

/**
 * Puts a message into a mail: plain text, and the same as HTML. Nothing a user typed has a place in it, and no code stands in a subject:
 * mail servers write subjects into their logs.
 */
export function createWriteLetter({ brand, pagesUrl, languages }: LetterWording): WriteLetter {
  return function writeLetter(message, purpose, locale) {
    const language = languageOf(locale, languages)
    const { subject, text } = wordsFor(letters[language], message, purpose)
    const secret = secretOf(message, pagesUrl)
    const paragraphs = text.replaceAll('{brand}', () => brand).split('\n\n')
    const body = paragraphs.map((each) => each.replace(/\{(?:code|token)\}/, () => secret)).join('\n\n')
    const html = paragraphs.map((each) => paragraph(each, secret)).join('')
    const direction = rightToLeft.has(language) ? ' dir="rtl"' : ''
    return {
      body: `${body}\n`,
      letter: {
        subject: subject.replaceAll('{brand}', () => brand),
        html: `<!doctype html><html lang="${language}"${direction}><body style="font:16px/1.5 sans-serif">${html}</body></html>`,
      },
    }
  }
}

interface LetterWording {
  readonly brand: string
  readonly pagesUrl?: string | undefined
  readonly languages: MessageLanguages
}

function secretOf(message: Sendable, pagesUrl: string | undefined): string {
  if (message.kind === 'code') return message.code
  return message.kind === 'account_exists' ? '' : wayToUndo(message.undoToken, pagesUrl)
}

function wordsFor(its: Letters, message: Sendable, purpose: Purpose): Words {
  switch (message.kind) {
    case 'code':
      return its.code[purpose]
    case 'account_exists':
      return its.accountExists
    case 'phone_changed':
      return its.phoneChanged
    case 'email_changed':
      return its.emailChanged
  }
}

const shown = 'font:bold 24px/1.5 monospace;letter-spacing:2px'

function paragraph(text: string, secret: string): string {
  if (/^https?:/.test(secret) && text === '{token}')
    return `<p dir="ltr"><a href="${escape(secret)}">${escape(secret)}</a></p>`
  if (/^\{(?:code|token)\}$/.test(text)) return `<p dir="ltr" style="${shown}">${escape(secret)}</p>`
  return `<p>${escape(text)}</p>`
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
