import { Link } from 'wouter'
import { client } from '../client.js'
import { draft } from '../flow.js'
import { FormError, Submit, TextField } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { Page } from '../shell.js'
import { useArrival } from './arrival.js'

/** Says who one is; the answer is the same whoever it was. */
export function Forgot() {
  const say = useSay()
  const { expect } = useArrival()
  const { form, register, busy, wrong, formWrong } = useSending({
    start: { identifier: draft.read('identifier', '') },
    names: { identifier: 'identifier', phone: 'identifier' },
    send: async ({ identifier }) => {
      draft.keep('identifier', identifier)
      const { challenge } = await client.forgotPassword({ identifier })
      expect({ challenge, to: challenge.to, from: '/forgot', next: '/forgot/password' })
    },
  })
  return (
    <Page
      title={say('login.forgot')}
      text={say('forgot.text')}
      links={<Link href="/login">{say('forgot.remembered')}</Link>}
    >
      <form {...form}>
        <FormError text={formWrong} />
        <TextField
          label={say('login.identifier')}
          hint={say('login.identifierHint')}
          error={wrong('identifier')}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          {...register('identifier', { required: say('error.required') })}
        />
        <Submit busy={busy}>{say('sendCode')}</Submit>
      </form>
    </Page>
  )
}
