import { useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { client, useSignedIn } from '../client.js'
import { FormError, Submit, TextField } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { Page } from '../shell.js'

/**
 * Gives an account its phone and e-mail back, by the token of a notice: behind the `#` of its link, where no server is told of it, or typed.
 * Nothing happens before a button is pressed: programs that look into messages open links too.
 */
export function Undo() {
  const say = useSay()
  const [, go] = useLocation()
  const signedIn = useSignedIn()
  const [linked, setLinked] = useState(false)
  const [done, setDone] = useState(false)
  const { form, register, setValue, busy, wrong, formWrong } = useSending({
    start: { token: '' },
    names: { token: 'token' },
    send: async ({ token }) => {
      await client.undoChange({ token: token.replaceAll(/\s/g, '').toLowerCase() })
      // If it was the account that is signed in here, this browser learns that it is not any more.
      if (signedIn === true) await client.getMe().catch(() => undefined)
      setDone(true)
    },
  })
  useEffect(() => {
    const take = () => {
      const token = location.hash.slice(1)
      if (token === '') return
      setValue('token', token)
      setLinked(true)
      // It is not to stay in the history of the browser.
      history.replaceState(history.state, '', location.pathname)
    }
    take()
    addEventListener('hashchange', take)
    return () => removeEventListener('hashchange', take)
  }, [])
  if (done)
    return (
      <Page title={say('undo.doneTitle')} text={say('undo.done')}>
        <button type="button" className="primary" onClick={() => go('/forgot', { replace: true })}>
          {say('newPassword.title')}
        </button>
      </Page>
    )
  return (
    <Page title={say('undo.title')} text={say('undo.text')}>
      <form {...form}>
        <FormError text={formWrong} />
        <div hidden={linked && wrong('token') === undefined}>
          <TextField
            label={say('undo.token')}
            hint={say('undo.tokenHint')}
            error={wrong('token')}
            className="ltr"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            {...register('token', { required: say('error.required') })}
          />
        </div>
        <Submit busy={busy}>{say('undo.submit')}</Submit>
      </form>
    </Page>
  )
}
