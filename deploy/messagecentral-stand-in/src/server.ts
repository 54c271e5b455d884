import { randomBytes, randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import { type CarrierCall, createCarrier, type Reply } from '@latchkey/twilio-stand-in/carrier'
import { createLedger } from '@latchkey/twilio-stand-in/ledger'
import type { Answer } from '@latchkey/twilio-stand-in/misbehave'
import { createReceipts } from '@latchkey/twilio-stand-in/receipts'
import { centralCalls } from './calls.js'
import { type Accept, refusal, taken, words } from './wire.js'

interface Credentials {
  readonly customerId: string
  readonly password: string
  readonly email: string
  /** A token that is good from the start. */
  readonly readyToken?: string | undefined
}

/** MessageCentral's API in own-text mode, with its tokens, a ledger of what was taken, faults and receipts to order. */
export function createStandIn({ customerId, password, email, readyToken }: Credentials): Server {
  const ledger = createLedger<Accept>()
  const receipts = createReceipts(centralCalls)
  const good = new Set(readyToken === undefined ? [] : [readyToken])
  const key = Buffer.from(password).toString('base64')
  let issued = 0

  function token({ query, fault }: CarrierCall): Reply {
    const known = query.get('customerId') === customerId && query.get('key') === key && query.get('email') === email
    const work = (): Answer => {
      // Failure is HTTP 200 here.
      if (!known || query.get('scope') !== 'NEW') return { status: 200, body: { status: 400, token: null } }
      const made = `t.${Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1_000) + 3_600 })).toString('base64url')}.${randomBytes(16).toString('hex')}`
      good.add(made)
      issued += 1
      return { status: 200, body: { status: 200, token: made } }
    }
    const spoils = fault('token', '*')
    return spoils === undefined ? work() : { fault: spoils, quoted: query.toString(), work }
  }

  function send({ query, headers, fault }: CarrierCall): Reply {
    const authToken = headers['authtoken']
    if (typeof authToken !== 'string' || !good.has(authToken)) return { status: 401, body: {} }
    const [to, message] = [`+${query.get('countryCode')}${query.get('mobileNumber')}`, query.get('message') ?? '']
    if (query.get('customerId') !== customerId) return refusal(501, 'INVALID_CUSTOMER_ID')
    const complete = query.get('flowType') === 'SMS' && query.get('type') === 'SMS' && query.get('senderId') !== null
    if (!complete || message === '' || !/^\+[1-9]\d{6,14}$/.test(to)) return refusal(400, 'BAD_REQUEST')
    const spoils = fault('send', to)
    const work = () => {
      const body = `${spoils?.prefix ?? ''}${message}`
      const from = query.get('senderId') ?? ''
      const accept = ledger.add({ sid: randomUUID(), to, from, body, at: new Date().toISOString() })
      receipts.reportOn(accept)
      return taken(accept)
    }
    return spoils === undefined ? work() : { fault: spoils, quoted: `${to} ${message}`, work }
  }

  return createCarrier({
    ledger,
    words,
    answer: (call) => {
      const at = `${call.method} ${call.path}`
      if (at === 'GET /auth/v1/authentication/token') return token(call)
      if (at === 'POST /verification/v3/send') return send(call)
      // Beside /ledger, /faults and /receipts: how many tokens were made, and an end to all of them.
      if (at === 'GET /tokens') return { status: 200, body: { issued } }
      if (at === 'DELETE /tokens') {
        good.clear()
        return { status: 200, body: {} }
      }
      return receipts.control(call) ?? refusal(404, 'NOT_FOUND', 404)
    },
  })
}
