import type { User } from '@latchkey/contracts/v1/shapes'
import { useLocation } from 'wouter'
import { client } from '../client.js'
import { FormError, NewPasswordField, PasswordField, Submit } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { Page } from '../shell.js'
import { BackToAccount, keys, queries, SignedIn } from './signed-in.js'

/** Another password, by the one there is. */
export function ChangePassword() {
  const say = useSay()
  return <SignedIn title={say('newPassword.title')}>{(user) => <Form user={user} />}</SignedIn>
}

function Form({ user }: { user: User }) {
  const say = useSay()
  const [, go] = useLocation()
  const { form, register, busy, wrong, formWrong } = useSending({
    start: { currentPassword: '', newPassword: '' },
    names: { currentPassword: 'currentPassword', newPassword: 'newPassword' },
    send: async ({ currentPassword, newPassword }) => {
      await client.changePassword({ newPassword, ...(user.hasPassword && { currentPassword }) })
      await queries.invalidateQueries({ queryKey: keys.me })
      go('/account', { replace: true })
    },
  })
  const required = { required: say('error.required') }
  return (
    <Page title={say('newPassword.title')} text={say('changePassword.text')} links={<BackToAccount />}>
      <form {...form}>
        <FormError text={formWrong} />
        {user.hasPassword && (
          <PasswordField
            label={say('currentPassword')}
            error={wrong('currentPassword')}
            {...register('currentPassword', required)}
          />
        )}
        <NewPasswordField
          error={wrong('newPassword')}
          {...register('newPassword', { ...required, minLength: { value: 8, message: say('error.short') } })}
        />
        <Submit busy={busy}>{say('save')}</Submit>
      </form>
    </Page>
  )
}
