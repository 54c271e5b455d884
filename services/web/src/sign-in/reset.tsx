import { Link, Redirect, useLocation } from 'wouter'
import { client } from '../client.js'
import { endFlow, notice, readFlow } from '../flow.js'
import { FormError, NewPasswordField, Submit } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { Page } from '../shell.js'

/** A new password, by what the right code gave. */
export function Reset() {
  const say = useSay()
  const [, go] = useLocation()
  const resetToken = readFlow()?.resetToken
  const { form, register, busy, wrong, formWrong } = useSending({
    start: { newPassword: '' },
    names: { newPassword: 'newPassword' },
    send: async ({ newPassword }) => {
      await client.resetPassword({ resetToken: resetToken ?? '', newPassword })
      endFlow()
      // Every session of the account has ended, this browser's among them.
      await client.endSession().catch(() => undefined)
      notice.leave('reset.done')
      go('/login', { replace: true })
    },
  })
  if (resetToken === undefined) return <Redirect to="/forgot" replace />
  return (
    <Page
      title={say('reset.title')}
      text={say('reset.text')}
      links={<Link href="/forgot">{say('code.startAgain')}</Link>}
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
