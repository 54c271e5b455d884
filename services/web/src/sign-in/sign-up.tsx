import { Link } from 'wouter'
import { client } from '../client.js'
import { useSay } from '../locale.js'
import { Page } from '../shell.js'
import { PhoneForm } from './phone-form.js'

/** Step by step: the phone, its code, then a password. */
export function SignUp() {
  const say = useSay()
  return (
    <Page
      title={say('signUp.title')}
      text={say('signUp.text')}
      links={
        <>
          <Link href="/signup/details">{say('signUp.atOnce')}</Link>
          <span>
            {say('signUp.have')} <Link href="/login">{say('login.title')}</Link>
          </span>
        </>
      }
    >
      <PhoneForm ask={(phone) => client.signUp({ phone })} from="/signup" next="/signup/password" />
    </Page>
  )
}
