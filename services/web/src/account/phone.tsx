import { client } from '../client.js'
import { noPhone, PhoneField, toInternational } from '../phone-field.js'
import { ChangeAddress } from './change-address.js'

/** Another phone. */
export function ChangePhone() {
  return (
    <ChangeAddress
      what="phone"
      start={noPhone}
      isAddress={({ text }) => /\d/.test(text)}
      toText={toInternational}
      ask={(phone, proof) => client.changePhone({ phone, ...proof })}
      field={(typing) => <PhoneField {...typing} />}
    />
  )
}
