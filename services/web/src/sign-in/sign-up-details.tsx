import { Controller } from 'react-hook-form'
import { Link } from 'wouter'
import { client } from '../client.js'
import { draft } from '../flow.js'
import { EmailField, FormError, looksLikeEmail, PasswordField, Submit, TextField } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { noPhone, PhoneField, toInternational } from '../phone-field.js'
import { settings } from '../settings.js'
import { Page } from '../shell.js'
import { useArrival } from './arrival.js'

/** Everything at once, then the code: to the phone, or to the e-mail where no phone is given and mail can be sent. */
export function SignUpDetails() {
  const say = useSay()
  const { expect } = useArrival()
  const { form, register, control, getValues, busy, wrong, formWrong } = useSending({
    start: { ...draft.read('details', { name: '', email: '', phone: noPhone() }), password: '' },
    names: { name: 'name', email: 'email', phone: 'phone', password: 'password' },
    send: async ({ name, email, phone, password }) => {
      draft.keep('details', { name, email, phone })
      const number = /\d/.test(phone.text) ? await toInternational(phone) : undefined
      const { challenge } = await client.signUp({
        name,
        password,
        ...(email !== '' && { email }),
        ...(number !== undefined && { phone: number }),
      })
      expect({ challenge, to: number ?? email, from: '/signup/details', next: '/account' })
    },
  })
  const required = { required: say('error.required') }
  return (
    <Page
      title={say('signUp.title')}
      text={say(settings.mail ? 'details.text' : 'details.phoneNeeded')}
      links={
        <>
          <Link href="/signup">{say('signUp.stepByStep')}</Link>
          <span>
            {say('signUp.have')} <Link href="/login">{say('login.title')}</Link>
          </span>
        </>
      }
    >
      <form {...form}>
        <FormError text={formWrong} />
        <TextField
          label={say('name')}
          error={wrong('name')}
          autoComplete="name"
          maxLength={200}
          {...register('name', required)}
        />
        <EmailField
          label={say('email')}
          error={wrong('email')}
          {...register('email', { ...required, pattern: { value: looksLikeEmail, message: say('error.email') } })}
        />
        <PasswordField
          label={say('password')}
          hint={say('newPassword.hint')}
          error={wrong('password')}
          autoComplete="new-password"
          {...register('password', { ...required, minLength: { value: 8, message: say('error.short') } })}
        />
        <Controller
          control={control}
          name="phone"
          rules={{ validate: ({ text }) => settings.mail || /\d/.test(text) || say('error.phone') }}
          render={({ field: { value, onChange, ref } }) => (
            <PhoneField
              label={say(settings.mail ? 'phone.optional' : 'phone')}
              {...(settings.mail && { hint: say('details.phoneOptional') })}
              error={wrong('phone')}
              value={value}
              onChange={(phone) => {
                onChange(phone)
                const { name, email } = getValues()
                draft.keep('details', { name, email, phone })
              }}
              inputRef={ref}
            />
          )}
        />
        <Submit busy={busy}>{say('signUp.submit')}</Submit>
      </form>
    </Page>
  )
}
