import type { CallOf } from '@latchkey/twilio-stand-in/receipts'
import type { Accept } from './wire.js'

/** How MessageCentral reports on a message: to the address that its account has for all, which is the only proof. */
export const centralCalls: CallOf<Accept> = ({ sid, to }, status, { url }, { forged = false, contradiction }) => {
  if (url === undefined) return undefined
  const said = new URLSearchParams({ transactionId: sid, mobileNumber: to, status: status.toUpperCase() })
  if (contradiction !== undefined) said.append('status', contradiction.toUpperCase())
  const json = contradiction === undefined
  return {
    url: forged ? `${url.slice(0, -6)}aaaaaa` : url,
    headers: { 'content-type': json ? 'application/json' : 'application/x-www-form-urlencoded' },
    body: json ? JSON.stringify({ data: Object.fromEntries(said) }) : said.toString(),
  }
}
