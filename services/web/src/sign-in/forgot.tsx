import { Link } from 'wouter'
import { client } from '../client.js'
import { FormError, Submit } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { settings } from '../settings.js'
import { Page } from '../shell.js'
import { useArrival } from './arrival.js'
import { IdentifierField, useIdentifier } from './identifier-field.js'

/** Says who one is; the answer is the same whoever it was. */
export function Forgot() {
  const say = useSay()
  const { expect } = useArrival()
  const who = useIdentifier()
  const { form, register, busy, wrong, formWrong } = useSending({
    start: { identifier: who.text },
    names: { identifier: 'identifier', phone: 'identifier' },
    send: async () => {
      const { challenge } = await client.forgotPassword({ identifier: await who.whole() })
      expect({ challenge, to: challenge.to, from: '/forgot', next: '/forgot/password' })
    },
  })
  return (
    <Page
      title={say('login.forgot')}
      text={say(settings.mail ? 'forgot.text' : 'forgot.textByPhone')}
      links={<Link href="/login">{say('forgot.remembered')}</Link>}
    >
      <form {...form}>
        <FormError text={formWrong} />
        <IdentifierField
          who={who}
          error={wrong('identifier')}
          input={register('identifier', { required: say('error.required') })}
        />
        <Submit busy={busy}>{say('sendCode')}</Submit>
      </form>
    </Page>
  )
}
