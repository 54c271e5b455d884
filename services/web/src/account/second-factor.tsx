import type { User } from '@latchkey/contracts/v1/shapes'
import { Link, useLocation } from 'wouter'
import { client } from '../client.js'
import { FormError, PasswordField, Submit } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { Page } from '../shell.js'
import { BackToAccount, keys, queries, SignedIn } from './signed-in.js'

/** A code beside the password, or the password alone. */
export function SecondFactor() {
  const say = useSay()
  return <SignedIn title={say('secondFactor.title')}>{(user) => <Form user={user} />}</SignedIn>
}

function Form({ user }: { user: User }) {
  const say = useSay()
  const [, go] = useLocation()
  const { form, register, busy, wrong, formWrong } = useSending({
    start: { password: '' },
    names: { password: 'password' },
    send: async ({ password }) => {
      queries.setQueryData(keys.me, await client.setSecondFactor({ enabled: !user.secondFactor, password }))
      go('/account')
    },
  })
  const state = say(user.secondFactor ? 'secondFactor.isOn' : 'secondFactor.isOff')
  return (
    <Page title={say('secondFactor.title')} text={`${say('secondFactor.text')} ${state}`} links={<BackToAccount />}>
      {user.hasPassword ? (
        <form {...form}>
          <FormError text={formWrong} />
          <PasswordField
            label={say('currentPassword')}
            error={wrong('password')}
            {...register('password', { required: say('error.required') })}
          />
          <Submit busy={busy}>{say(user.secondFactor ? 'secondFactor.off' : 'secondFactor.on')}</Submit>
        </form>
      ) : (
        <p>
          {say('secondFactor.noPassword')} <Link href="/account/password">{say('newPassword.title')}</Link>
        </p>
      )}
    </Page>
  )
}
