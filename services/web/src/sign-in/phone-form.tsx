import type { Challenge } from '@latchkey/contracts/v1/shapes'
import type { PagePath } from '@latchkey/contracts/v1/pages'
import { Controller } from 'react-hook-form'
import { draft } from '../flow.js'
import { FormError, Submit } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { noPhone, PhoneField, toInternational } from '../phone-field.js'
import { useArrival } from './arrival.js'

interface PhoneFormProps {
  /** Asks for a code to the number. */
  readonly ask: (phone: string) => Promise<{ readonly challenge: Challenge }>
  readonly from: PagePath
  readonly next: PagePath
}

/** One number, to which a code goes. */
export function PhoneForm({ ask, from, next }: PhoneFormProps) {
  const say = useSay()
  const { expect } = useArrival()
  const { form, control, busy, wrong, formWrong } = useSending({
    start: { phone: draft.read('phone', noPhone()) },
    names: { phone: 'phone', identifier: 'phone' },
    send: async ({ phone }) => {
      draft.keep('phone', phone)
      const number = await toInternational(phone)
      const { challenge } = await ask(number)
      expect({ challenge, to: number, from, next })
    },
  })
  return (
    <form {...form}>
      <FormError text={formWrong} />
      <Controller
        control={control}
        name="phone"
        rules={{ validate: ({ text }) => /\d/.test(text) || say('error.phone') }}
        render={({ field: { value, onChange, ref } }) => (
          <PhoneField label={say('phone')} error={wrong('phone')} value={value} onChange={onChange} inputRef={ref} />
        )}
      />
      <Submit busy={busy}>{say('sendCode')}</Submit>
    </form>
  )
}
