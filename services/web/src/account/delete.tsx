import type { User } from '@latchkey/contracts/v1/shapes'
import { useLocation } from 'wouter'
import { client, leave } from '../client.js'
import { notice } from '../flow.js'
import { FormError, PasswordField, Submit } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { Page } from '../shell.js'
import { BackToAccount, forgetAccount, SignedIn } from './signed-in.js'

/** The end of an account. */
export function Delete() {
  const say = useSay()
  return <SignedIn title={say('delete.title')}>{(user) => <Form user={user} />}</SignedIn>
}

function Form({ user }: { user: User }) {
  const say = useSay()
  const [, go] = useLocation()
  const { form, register, busy, wrong, formWrong } = useSending({
    start: { password: '', sure: false },
    names: { password: 'password' },
    send: async ({ password }) => {
      // Once nobody is signed in, whoever is here is led to the front door at once: the word has to be there before.
      notice.leave('delete.done')
      await leave(() => client.deleteMe(password === '' ? {} : { password })).catch((error: unknown) => {
        notice.leave(null)
        throw error
      })
      forgetAccount()
      go('/login', { replace: true })
    },
  })
  return (
    <Page title={say('delete.title')} text={say('delete.text')} links={<BackToAccount />}>
      <form {...form}>
        <FormError text={formWrong} />
        {user.hasPassword && (
          <PasswordField
            label={say('currentPassword')}
            error={wrong('password')}
            {...register('password', { required: say('error.required') })}
          />
        )}
        <div className="field">
          <label className="check">
            <input type="checkbox" {...register('sure', { required: say('delete.tick') })} /> {say('delete.sure')}
          </label>
          <p className="error" role="alert" hidden={wrong('sure') === undefined}>
            {wrong('sure')}
          </p>
        </div>
        <Submit busy={busy} danger>
          {say('delete.submit')}
        </Submit>
      </form>
    </Page>
  )
}
