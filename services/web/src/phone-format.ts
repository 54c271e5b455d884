import { AsYouType, type MetadataJson } from 'libphonenumber-js/core'
import { callingCodes, folder } from 'virtual:calling-codes'

/** How numbers of a country are written. */
export interface PhoneFormat {
  /** The text with the spaces and brackets that people of that country put there. */
  pretty(text: string): string
  /** The same with its country code. */
  international(text: string): string
}

const loaded = new Map<string, Promise<PhoneFormat>>()

/** Loads the rules of one calling code, once. */
export function phoneFormat(country: string): Promise<PhoneFormat> {
  const known = loaded.get(country)
  if (known !== undefined) return known
  const format = load(country)
  loaded.set(country, format)
  format.catch(() => loaded.delete(country))
  return format
}

async function load(country: string): Promise<PhoneFormat> {
  const answer = await fetch(`${folder}/${callingCodes[country]}.json`)
  const metadata = (await answer.json()) as MetadataJson
  const typed = () => new AsYouType(country as 'IN', metadata)
  return {
    pretty: (text) => typed().input(text),
    international(text) {
      const formatter = typed()
      formatter.input(text)
      return typed().input(formatter.getNumberValue() ?? text)
    },
  }
}
