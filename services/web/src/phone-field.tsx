import { useLingui } from '@lingui/react'
import { type Ref, useEffect, useMemo, useState } from 'react'
import { callingCodes } from 'virtual:calling-codes'
import { Field } from './fields.js'
import { useSay } from './locale.js'
import type { PhoneFormat } from './phone-format.js'
import { settings } from './settings.js'

export interface Phone {
  readonly country: string
  /** As it is typed. */
  readonly text: string
}

const countries = (settings.countries ?? Object.keys(callingCodes)).filter((country) => country in callingCodes)

/** The country that the browser seems to be at home in. */
function homeCountry(): string {
  const regions = navigator.languages.map((tag) => new Intl.Locale(tag).region)
  const guess = [...regions, new Intl.Locale(navigator.language).maximize().region].find(
    (region) => region !== undefined && countries.includes(region),
  )
  return guess ?? countries[0] ?? 'US'
}

/** No number yet. */
export const noPhone = (): Phone => ({ country: homeCountry(), text: '' })

const formatOf = async (country: string): Promise<PhoneFormat> =>
  (await import('./phone-format.js')).phoneFormat(country)

const isInternational = (text: string): boolean => /^\s*(?:\+|00)/.test(text)

/** The number with its country code, as people write it; the API forgives the spaces. Where the rules of its country cannot be had, as it was typed. */
export async function toInternational({ country, text }: Phone): Promise<string> {
  if (isInternational(text)) return text.trim()
  try {
    return (await formatOf(country)).international(text)
  } catch {
    return `+${callingCodes[country]} ${text.trim()}`
  }
}

interface PhoneFieldProps {
  readonly label: string
  readonly hint?: string
  readonly error?: string | undefined
  readonly value: Phone
  readonly onChange: (phone: Phone) => void
  readonly inputRef?: Ref<HTMLInputElement>
}

/** A country and a number of it, written as it is written there while it is typed. */
export function PhoneField({ label, hint, error, value, onChange, inputRef }: PhoneFieldProps) {
  const [format, setFormat] = useState<{ readonly country: string; readonly rules: PhoneFormat }>()
  const { country, text } = value
  useEffect(() => {
    let wanted = true
    // Without its rules a number is typed as it is.
    formatOf(country).then(
      (rules) => wanted && setFormat({ country, rules }),
      () => undefined,
    )
    return () => void (wanted = false)
  }, [country])

  function type(next: string): void {
    // A digit taken away behind a bracket must not come back with it.
    const shorter = next.length < text.length
    const rules = format?.country === country && !isInternational(next) && !shorter ? format.rules : undefined
    onChange({ country, text: rules?.pretty(next) ?? next })
  }
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => (
        <div className="joined">
          <CountrySelect value={country} onChange={(picked) => onChange({ country: picked, text })} />
          <input
            {...ids}
            ref={inputRef}
            className="ltr"
            type="tel"
            inputMode="tel"
            autoComplete={isInternational(text) || text === '' ? 'tel' : 'tel-national'}
            value={text}
            onChange={({ target }) => type(target.value)}
          />
        </div>
      )}
    </Field>
  )
}

interface CountrySelectProps {
  readonly value: string
  readonly onChange: (country: string) => void
}

/** The platform's own list: it is typed into, scrolled and read out as people know it from their device. */
function CountrySelect({ value, onChange }: CountrySelectProps) {
  const say = useSay()
  const { locale: language } = useLingui().i18n
  const options = useMemo(() => {
    const names = new Intl.DisplayNames([language], { type: 'region' })
    return countries
      .map((country) => ({ country, name: names.of(country) ?? country }))
      .sort((a, b) => a.name.localeCompare(b.name, language))
  }, [language])
  return (
    <span className="country ltr">
      <span aria-hidden="true">+{callingCodes[value]}</span>
      <select
        aria-label={say('country')}
        autoComplete="country"
        value={value}
        onChange={({ target }) => onChange(target.value)}
      >
        {options.map(({ country, name }) => (
          <option key={country} value={country}>
            {`${name} (\u200e+${callingCodes[country]})`}
          </option>
        ))}
      </select>
    </span>
  )
}

export interface CountryOfProps {
  readonly country: string | null
  readonly onChange: (country: string) => void
}

/** The country of a number that is typed into a field for more than numbers. */
export function CountryOf({ country, onChange }: CountryOfProps) {
  return <CountrySelect value={country ?? homeCountry()} onChange={onChange} />
}
