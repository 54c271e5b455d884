import { type E164, maskPhone } from '@latchkey/contracts/phone'
import { invalidField } from '@latchkey/kit/app-error'
import { parsePhoneNumberFromString } from 'libphonenumber-js/max'

export interface CanonicalPhone {
  readonly e164: E164
  /** ISO 3166-1 alpha-2; `ZZ` for a test number. */
  readonly country: string
  readonly masked: string
  /** Set for a test number: nothing limits it, and its code may be fixed. */
  readonly test?: { readonly code: string | undefined }
}

/** Reads one spelling of a number. Throws `request.invalid` naming `path` where no text message could reach it. */
export type ReadPhone = (text: string, path?: string) => CanonicalPhone

interface PhoneRules {
  /** Alpha-2 codes that get messages, or `*` for all. */
  readonly countries: '*' | ReadonlySet<string>
  /** Test number → its fixed code, if it has one. */
  readonly testNumbers: ReadonlyMap<string, string | undefined>
  /** Hears which number gets no message, and why. */
  readonly onRefused?: (phone: string, limit: 'country' | 'number_type' | 'no_number') => void
}

// Digits of other scripts, zero-width characters and extensions never reach the parser: two spellings must not be two people.
const spelling = /^(?:\+|00)[1-9][0-9 ().-]{4,36}$/

/** The only parser of phone numbers: everything past it takes the branded E164. */
export function createReadPhone({ countries, testNumbers, onRefused = () => undefined }: PhoneRules): ReadPhone {
  return function readPhone(text, path = '/phone') {
    const international = text.trim().replace(/^00(?=[1-9])/, '+')
    if (!spelling.test(international))
      throw invalidField(
        path,
        `must be a phone number with its country code, like +919876543210${path === '/identifier' ? ', an e-mail address or a username' : ''}`,
      )
    const number = parsePhoneNumberFromString(international, { extract: false })
    // As it was typed, for what libphonenumber calls no number; as it was read, so that no spelling goes to a carrier.
    const test = [`+${international.replace(/\D/g, '')}`, number?.number].find(
      (spelled) => spelled !== undefined && testNumbers.has(spelled),
    ) as E164 | undefined
    if (test !== undefined)
      return {
        e164: test,
        country: 'ZZ',
        masked: maskPhone(test, test.slice(1, 2)),
        test: { code: testNumbers.get(test) },
      }
    const type = number?.getType()
    // What has a type is valid: the library would look through all types again.
    if (number === undefined || (type === undefined && !number.isValid()) || number.ext !== undefined) {
      if (number !== undefined) onRefused(number.number, 'no_number')
      throw invalidField(path, 'is not a phone number that exists; check the digits and the country code')
    }
    // Satellite and other world-wide codes have no country; a message to one costs as much as hundreds to a phone.
    if (number.country === undefined || (type !== 'MOBILE' && type !== 'FIXED_LINE_OR_MOBILE')) {
      onRefused(number.number, 'number_type')
      throw invalidField(path, 'cannot receive text messages; use a mobile number')
    }
    const { country } = number
    if (countries !== '*' && !countries.has(country)) {
      onRefused(number.number, 'country')
      throw invalidField(path, 'is in a country that this service does not send codes to')
    }
    return {
      e164: number.number as E164,
      country,
      masked: maskPhone(number.number as E164, number.countryCallingCode),
    }
  }
}
