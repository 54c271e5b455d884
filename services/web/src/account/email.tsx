import { client } from '../client.js'
import { EmailField, looksLikeEmail } from '../fields.js'
import { ChangeAddress } from './change-address.js'

/** Another e-mail, or the one that was given and never proved. */
export function ChangeEmail() {
  return (
    <ChangeAddress
      what="email"
      start={({ email, emailVerified }) => (emailVerified ? '' : (email ?? ''))}
      isAddress={(typed) => looksLikeEmail.test(typed)}
      toText={(typed) => typed.trim()}
      ask={(email, proof) => client.changeEmail({ email, ...proof })}
      field={({ inputRef, onChange, ...typing }) => (
        <EmailField {...typing} ref={inputRef} onChange={({ target }) => onChange(target.value)} />
      )}
    />
  )
}
