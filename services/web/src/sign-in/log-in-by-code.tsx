import { Link } from 'wouter'
import { client } from '../client.js'
import { useSay } from '../locale.js'
import { Page } from '../shell.js'
import { PhoneForm } from './phone-form.js'

/** A phone and nothing else: the code is the key. */
export function LogInByCode() {
  const say = useSay()
  return (
    <Page
      title={say('loginCode.title')}
      text={say('loginCode.text')}
      links={
        <>
          <Link href="/login">{say('loginCode.byPassword')}</Link>
          <span>
            {say('login.new')} <Link href="/signup">{say('login.signUp')}</Link>
          </span>
        </>
      }
    >
      <PhoneForm ask={(phone) => client.signInWithCode({ phone })} from="/login/code" next="/account" />
    </Page>
  )
}
