import type { User } from '@latchkey/contracts/v1/shapes'
import { Controller } from 'react-hook-form'
import { client } from '../client.js'
import { FormError, PasswordField, Submit } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { noPhone, PhoneField, toInternational } from '../phone-field.js'
import { Page } from '../shell.js'
import { useArrival } from '../sign-in/arrival.js'
import { BackToAccount, keys, queries, SignedIn } from './signed-in.js'

/** Another phone: the password, then the code that is sent to the new one. */
export function ChangePhone() {
  const say = useSay()
  return <SignedIn title={say('phoneChange.title')}>{(user) => <Form user={user} />}</SignedIn>
}

function Form({ user }: { user: User }) {
  const say = useSay()
  const { expect } = useArrival()
  const { form, register, control, busy, wrong, formWrong } = useSending({
    start: { phone: noPhone(), password: '' },
    names: { phone: 'phone', password: 'password' },
    send: async ({ phone, password }) => {
      const number = await toInternational(phone)
      const { challenge } = await client.changePhone({ phone: number, ...(password !== '' && { password }) })
      // Whoever comes back has another phone by then.
      queries.removeQueries({ queryKey: keys.me })
      expect({ challenge, to: number, from: '/account/phone', next: '/account' })
    },
  })
  return (
    <Page title={say('phoneChange.title')} text={say('phoneChange.text')} links={<BackToAccount />}>
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
        {user.hasPassword && (
          <PasswordField
            label={say('currentPassword')}
            error={wrong('password')}
            {...register('password', { required: say('error.required') })}
          />
        )}
        <Submit busy={busy}>{say('sendCode')}</Submit>
      </form>
    </Page>
  )
}
