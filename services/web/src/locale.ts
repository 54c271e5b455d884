import { setupI18n } from '@lingui/core'
import { useLingui } from '@lingui/react'
import type en from './messages/en.json'

/** The languages of the pages, each in its own words. */
export const languages = {
  en: 'English',
  es: 'Español',
  hi: 'हिन्दी',
  ar: 'العربية',
  fr: 'Français',
  pt: 'Português',
} as const
export type Language = keyof typeof languages
export type MessageId = keyof typeof en
export type Say = (id: MessageId, values?: Record<string, string | number>) => string

const kept = 'latchkey.language'
const messages = import.meta.glob<{ default: Record<string, string> }>('./messages/*.json')

export const i18n = setupI18n()

const isLanguage = (text: string | null | undefined): text is Language =>
  text !== null && text !== undefined && text in languages

/** What was chosen here before, else the first of the browser's languages that we have, else English. */
export function preferredLanguage(): Language {
  const chosen = localStorage.getItem(kept)
  if (isLanguage(chosen)) return chosen
  return navigator.languages.map((tag) => tag.split('-')[0]).find(isLanguage) ?? 'en'
}

/** Loads a language and speaks it from now on. */
export async function speak(language: Language): Promise<void> {
  const loaded = await messages[`./messages/${language}.json`]?.()
  i18n.loadAndActivate({ locale: language, messages: loaded?.default ?? {} })
  document.documentElement.lang = language
  document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr'
}

/** The same, and remembers it. */
export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(kept, language)
  await speak(language)
}

/** Texts in the language of the page. */
export function useSay(): Say {
  const { _ } = useLingui()
  return (id, values) => _(id, values)
}
