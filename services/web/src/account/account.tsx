import type { User } from '@latchkey/contracts/v1/shapes'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { client, leave } from '../client.js'
import { FormError, Submit, TextField } from '../fields.js'
import { useSending } from '../form.js'
import { useSay } from '../locale.js'
import { settings } from '../settings.js'
import { Page } from '../shell.js'
import { forgetAccount, keys, queries, SignedIn } from './signed-in.js'

/** Who one is here, and what can be changed about it. */
export function Account() {
  const say = useSay()
  return <SignedIn title={say('account.title')}>{(user) => <Profile user={user} />}</SignedIn>
}

function Profile({ user }: { user: User }) {
  const say = useSay()
  const isolated = (text: string) => <bdi className="ltr">{text}</bdi>
  return (
    <Page wide title={user.name === null ? say('account.title') : say('account.hello', { name: user.name })}>
      <ul className="list">
        <li className="row">
          <div>
            <h2>{say('phone')}</h2>
            <p>
              {user.phone === null ? say('account.none') : isolated(user.phone)}{' '}
              {user.phoneVerified && <span className="right small">✓ {say('account.verified')}</span>}
            </p>
          </div>
          <Link href="/account/phone">{say(user.phone === null ? 'account.add' : 'account.change')}</Link>
        </li>
        {(user.email !== null || settings.mail) && (
          <li className="row">
            <div>
              <h2>{say('email')}</h2>
              <p>
                {user.email === null ? say('account.none') : isolated(user.email)}{' '}
                {user.email !== null && (
                  <span className={user.emailVerified ? 'right small' : 'soft small'}>
                    {user.emailVerified ? `✓ ${say('account.verified')}` : say('account.unverified')}
                  </span>
                )}
              </p>
            </div>
            {settings.mail && <Link href="/account/email">{say(emailStep(user))}</Link>}
          </li>
        )}
        <li className="row">
          <h2>{say('password')}</h2>
          <Link href="/account/password">{say(user.hasPassword ? 'account.change' : 'account.add')}</Link>
        </li>
        <li className="row">
          <div>
            <h2>{say('secondFactor.title')}</h2>
            <p className="soft small">{say(user.secondFactor ? 'secondFactor.isOn' : 'secondFactor.isOff')}</p>
          </div>
          <Link href="/account/second-factor">{say('account.change')}</Link>
        </li>
        <li className="row">
          <h2>{say('sessions.title')}</h2>
          <Link href="/account/sessions">{say('account.look')}</Link>
        </li>
        <li>
          <Names user={user} />
        </li>
        <li className="row">
          <LogOut />
          <Link href="/account/delete">{say('delete.title')}</Link>
        </li>
      </ul>
    </Page>
  )
}

const emailStep = ({ email, emailVerified }: User) =>
  email === null ? 'account.add' : emailVerified ? 'account.change' : 'account.confirm'

/** What anybody may change about himself at any time. */
function Names({ user }: { user: User }) {
  const say = useSay()
  const [saved, setSaved] = useState(false)
  const { form, register, busy, wrong, formWrong } = useSending({
    start: { name: user.name ?? '', username: user.username ?? '' },
    names: { name: 'name', username: 'username' },
    send: async ({ name, username }) => {
      setSaved(false)
      const changed = await client.patchMe({ name: name.trim() || null, username: username.trim() || null })
      queries.setQueryData(keys.me, changed)
      setSaved(true)
    },
  })
  return (
    <form {...form}>
      <FormError text={formWrong} />
      <TextField label={say('name')} error={wrong('name')} autoComplete="name" maxLength={200} {...register('name')} />
      <TextField
        label={say('username')}
        hint={say('username.hint')}
        error={wrong('username')}
        className="ltr"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={32}
        {...register('username')}
      />
      <div className="row">
        <Submit busy={busy}>{say('save')}</Submit>
        <span role="status" className="right small">
          {saved && !busy ? say('saved') : ''}
        </span>
      </div>
    </form>
  )
}

function LogOut() {
  const say = useSay()
  const [, go] = useLocation()
  const [busy, setBusy] = useState(false)
  async function logOut(): Promise<void> {
    setBusy(true)
    // A session that cannot be told of its end is forgotten here all the same, and ends by itself.
    await leave(() => client.endSession().catch(() => undefined))
    forgetAccount()
    go('/login', { replace: true })
  }
  return (
    <button type="button" className="bordered" aria-busy={busy} onClick={() => void logOut()}>
      {say('logOut')}
    </button>
  )
}
