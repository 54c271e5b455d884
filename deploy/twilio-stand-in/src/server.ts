import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import { type CarrierCall, createCarrier, parseJson, type Reply } from './carrier.js'
import { createLedger } from './ledger.js'
import type { Answer } from './misbehave.js'
import { createReceipts } from './receipts.js'
import { type Inbound, textUs, twilioCalls } from './twilio-calls.js'
import { type Accept, messagePage, messageResource, twilioError, twilioWords } from './twilio-wire.js'

interface Credentials {
  readonly accountSid: string
  readonly authToken: string
}

/** Twilio's Messages API as far as its SDK uses it, with a ledger of what was taken, faults and receipts to order. */
export function createStandIn({ accountSid, authToken }: Credentials): Server {
  const ledger = createLedger<Accept>()
  const receipts = createReceipts(twilioCalls({ accountSid, authToken }))
  const messagesPath = `/2010-04-01/Accounts/${accountSid}/Messages.json`
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`

  function send({ body, fault }: CarrierCall): Reply {
    const form = new URLSearchParams(body)
    const problem = refusal(form)
    if (problem !== undefined) return { status: 400, body: problem }
    const to = form.get('To') ?? ''
    const spoils = fault('send', to)
    const work = () => {
      const accept = ledger.add(acceptOf(form, spoils?.prefix ?? ''))
      receipts.reportOn(accept)
      return { status: 201, body: messageResource(accountSid, accept) }
    }
    return spoils === undefined ? work() : { fault: spoils, quoted: `${to} ${form.get('Body')}`, work }
  }

  function list({ query, fault }: CarrierCall): Reply {
    const to = query.get('To') ?? undefined
    const from = query.get('From')
    const since = Date.parse(query.get('DateSent>') ?? '') || 0
    const work = () => {
      const found = ledger
        .list(to)
        .filter((accept) => Date.parse(accept.at) >= since && (from === null || accept.from === from))
      return { status: 200, body: messagePage(accountSid, found.slice(-50).reverse()) }
    }
    const spoils = fault('list', to ?? '*')
    return spoils === undefined ? work() : { fault: spoils, quoted: to ?? '', work }
  }

  /** Beside /ledger, /faults and /receipts: POST /inbound texts us. */
  async function control(call: CarrierCall): Promise<Answer | undefined> {
    const { method, path, body } = call
    if (path === '/inbound' && method === 'POST')
      return { status: 200, body: await textUs({ accountSid, authToken }, parseJson(body) as Inbound) }
    return receipts.control(call)
  }

  return createCarrier({
    ledger,
    words: twilioWords,
    answer: async (call) => {
      const { method, path, headers } = call
      if (path.startsWith('/2010-04-01/') && headers.authorization !== authorization)
        return { status: 401, body: twilioError(401, 20003, 'Authenticate') }
      if (path === messagesPath && method === 'POST') return send(call)
      if (path === messagesPath && method === 'GET') return list(call)
      return (await control(call)) ?? notFound
    },
  })
}

const notFound: Answer = { status: 404, body: twilioError(404, 20404, 'The requested resource was not found') }

function acceptOf(form: URLSearchParams, prefix: string): Accept {
  const period = form.get('ValidityPeriod')
  return {
    sid: `SM${randomBytes(16).toString('hex')}`,
    to: form.get('To') ?? '',
    from: form.get('From'),
    messagingServiceSid: form.get('MessagingServiceSid'),
    body: `${prefix}${form.get('Body') ?? ''}`,
    validityPeriod: period === null ? null : Number(period),
    statusCallback: form.get('StatusCallback'),
    at: new Date().toISOString(),
  }
}

/** What Twilio itself would not take, whatever was ordered. */
function refusal(form: URLSearchParams): Record<string, unknown> | undefined {
  if (!/^\+[1-9]\d{6,14}$/.test(form.get('To') ?? '')) return twilioError(400, 21211, "Invalid 'To' Phone Number")
  if (!form.has('From') && !form.has('MessagingServiceSid')) return twilioError(400, 21603, "A 'From' is required")
  if ((form.get('Body') ?? '') === '') return twilioError(400, 21602, 'Message body is required')
  return undefined
}
