import type { Purpose } from '@latchkey/contracts/v1/shapes'
import type { Address } from '../challenges/challenge.js'

/** What a challenge is found by: an E.164 phone. */
export const addressOfPhone = (face: string, purpose: Purpose, phone: string): Address => ({
  face,
  purpose,
  text: `phone:${phone}`,
})

/** What a challenge is found by: an e-mail address in lower case. */
export const addressOfEmail = (face: string, purpose: Purpose, email: string): Address => ({
  face,
  purpose,
  text: `email:${email}`,
})

/** What a challenge is found by: both at once. */
export const addressOfBoth = (
  face: string,
  purpose: Purpose,
  { email, phone }: { email: string; phone: string },
): Address => ({
  face,
  purpose,
  text: `email:${email} phone:${phone}`,
})
