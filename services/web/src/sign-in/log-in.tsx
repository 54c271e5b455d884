import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import { client } from '../client.js'
import { endFlow, notice } from '../flow.js'
import { useSending } from '../form.js'
import { FormError, PasswordField, Submit } from '../fields.js'
import { useSay } from '../locale.js'
import { Page } from '../shell.js'
import { useArrival } from './arrival.js'
import { IdentifierField, useIdentifier } from './identifier-field.js'

/** The front door: an identifier and a password. */
export function LogIn() {
  const say = useSay()
  const { expect } = useArrival()
  const who = useIdentifier()
  const { form, register, busy, wrong, formWrong } = useSending({
    start: { identifier: who.text, password: '' },
    names: { identifier: 'identifier', password: 'password' },
    send: async ({ password }) => {
      const reply = await client.signInWithPassword({ identifier: await who.whole(), password })
      // Who is signed in is led on from here, however that came about.
      if ('session' in reply) return endFlow()
      expect({ challenge: reply.challenge, to: reply.challenge.to, from: '/login', next: '/account' })
    },
  })
  const required = { required: say('error.required') }
  const [said] = useState(notice.read)
  useEffect(() => notice.leave(null), [])
  return (
    <Page
      title={say('login.title')}
      links={
        <>
          <Link href="/login/code">{say('login.byCode')}</Link>
          <Link href="/forgot">{say('login.forgot')}</Link>
          <span>
            {say('login.new')} <Link href="/signup">{say('login.signUp')}</Link>
          </span>
        </>
      }
    >
      {said !== null && (
        <p className="note" role="status">
          {say(said)}
        </p>
      )}
      <form {...form}>
        <FormError text={formWrong} />
        <IdentifierField who={who} error={wrong('identifier')} input={register('identifier', required)} />
        <PasswordField label={say('password')} error={wrong('password')} {...register('password', required)} />
        <Submit busy={busy}>{say('login.submit')}</Submit>
      </form>
    </Page>
  )
}
