import { Link, Redirect, useLocation } from 'wouter'
import { client, useSignedIn } from '../client.js'
import { FormError, NewPasswordField, Submit } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { Page } from '../shell.js'

/** The last step of three: a password for the next time. */
export function FirstPassword() {
  const say = useSay()
  const [, go] = useLocation()
  const { form, register, busy, wrong, formWrong } = useSending({
    start: { newPassword: '' },
    names: { newPassword: 'newPassword' },
    send: async ({ newPassword }) => {
      await client.changePassword({ newPassword })
      go('/account', { replace: true })
    },
  })
  if (useSignedIn() === false) return <Redirect to="/login" replace />
  return (
    <Page
      title={say('newPassword.title')}
      text={say('newPassword.text')}
      links={<Link href="/account">{say('newPassword.later')}</Link>}
    >
      <form {...form}>
        <FormError text={formWrong} />
        <NewPasswordField
          error={wrong('newPassword')}
          {...register('newPassword', {
            required: say('error.required'),
            minLength: { value: 8, message: say('error.short') },
          })}
        />
        <Submit busy={busy}>{say('save')}</Submit>
      </form>
    </Page>
  )
}
