/** The languages that messages can be written in, as `Accept-Language` asks for them. */
export const languages = ['en', 'es', 'hi', 'ar', 'fr', 'pt'] as const
export type Language = (typeof languages)[number]

/** The languages that an installation writes in; the first is for whoever asks for none of them. */
export type MessageLanguages = readonly [Language, ...Language[]]

const one = `(?:${languages.join('|')})`
/** How an operator names them: `en,pt`. */
export const languagesPattern = `^${one}(?:,${one})*$`

/** What such a list says. */
export function parseLanguages(list: string): MessageLanguages {
  const [first = 'en', ...others] = list
    .split(',')
    .flatMap((name) => languages.find((language) => language === name) ?? [])
  return [first, ...others]
}
