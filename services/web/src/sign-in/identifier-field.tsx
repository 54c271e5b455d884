import { type ComponentType, lazy, Suspense, useState } from 'react'
import type { UseFormRegisterReturn } from 'react-hook-form'
import { Field } from '../fields.js'
import { draft } from '../flow.js'
import { useSay } from '../locale.js'
import type { CountryOfProps } from '../phone-field.js'

interface Typed {
  readonly text: string
  /** Null until it is picked: the one that the browser is at home in. */
  readonly country: string | null
}

const nobody: Typed = { text: '', country: null }

/** A phone as it is written at home: it begins with a digit, as no e-mail or username with a sense does, and names no country. */
const isNational = (text: string): boolean => /^[\s(]*(?!00)\d[\d\s().\-/]*$/.test(text)

/** Who somebody says that he is, and the country of his phone while he types one. */
export function useIdentifier() {
  const [typed, setTyped] = useState(() => draft.read('identifier', nobody))
  return {
    ...typed,
    national: isNational(typed.text),
    type: (text: string) => setTyped((before) => ({ ...before, text })),
    pick: (country: string) => setTyped((before) => ({ ...before, country })),
    /** As the API takes it. */
    async whole(): Promise<string> {
      draft.keep('identifier', typed)
      if (!isNational(typed.text)) return typed.text.trim()
      const { noPhone, toInternational } = await import('../phone-field.js')
      return toInternational({
        ...noPhone(),
        text: typed.text,
        ...(typed.country !== null && { country: typed.country }),
      })
    },
  }
}

/** Without it a number is sent as it was typed, and refused beside its field. */
const CountryOf = lazy<ComponentType<CountryOfProps>>(() =>
  import('../phone-field.js').then(
    (loaded) => ({ default: loaded.CountryOf }),
    () => ({ default: () => null }),
  ),
)

interface IdentifierFieldProps {
  readonly who: ReturnType<typeof useIdentifier>
  readonly error: string | undefined
  readonly input: UseFormRegisterReturn
}

/** One field for a phone, an e-mail or a username; once it is a phone of a country, that country stands beside it. */
export function IdentifierField({ who, error, input }: IdentifierFieldProps) {
  const say = useSay()
  return (
    <Field label={say('login.identifier')} error={error}>
      {(ids) => (
        <div className={who.national ? 'joined' : 'alone'}>
          {who.national && (
            <Suspense fallback={null}>
              <CountryOf country={who.country} onChange={who.pick} />
            </Suspense>
          )}
          <input
            {...ids}
            {...input}
            onChange={(event) => {
              who.type(event.target.value)
              void input.onChange(event)
            }}
            type="text"
            className={who.national ? 'ltr' : ''}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
          />
        </div>
      )}
    </Field>
  )
}
