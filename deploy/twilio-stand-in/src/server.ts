import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createFaults, type Fault, readFault } from './faults.js'
import { createLedger } from './ledger.js'
import { misbehave } from './misbehave.js'
import { messagePage, messageResource, sendJson, twilioError } from './twilio-wire.js'

interface Credentials {
  readonly accountSid: string
  readonly authToken: string
}

/** Twilio's Messages API as far as its SDK uses it, with a ledger of what was taken and faults to order. */
export function createStandIn({ accountSid, authToken }: Credentials): Server {
  const ledger = createLedger()
  const faults = createFaults()
  const messagesPath = `/2010-04-01/Accounts/${accountSid}/Messages.json`
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`

  function answerOrSpoil(fault: Fault | undefined, { request, response, quoted, work }: Call) {
    if (fault !== undefined) return misbehave(fault, { response, socket: request.socket, quoted, work })
    const { status, body } = work()
    return sendJson(response, status, body)
  }

  async function send(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await read(request))
    const problem = refusal(form)
    if (problem !== undefined) return sendJson(response, 400, problem)
    const fault = faults.next('send', form.get('To') ?? '')
    const quoted = `${form.get('To')} ${form.get('Body')}`
    const work = () => ({ status: 201, body: messageResource(accountSid, ledger.add(form, fault?.prefix)) })
    answerOrSpoil(fault, { request, response, quoted, work })
  }

  function list(query: URLSearchParams, request: IncomingMessage, response: ServerResponse): void {
    const to = query.get('To') ?? undefined
    const from = query.get('From')
    const since = Date.parse(query.get('DateSent>') ?? '') || 0
    const work = () => {
      const found = ledger
        .list(to)
        .filter((accept) => Date.parse(accept.at) >= since && (from === null || accept.from === from))
      return { status: 200, body: messagePage(accountSid, found.slice(-50).reverse()) }
    }
    answerOrSpoil(faults.next('list', to ?? '*'), { request, response, quoted: to ?? '', work })
  }

  async function control(path: string, query: URLSearchParams, request: IncomingMessage, response: ServerResponse) {
    const to = query.get('to') ?? undefined
    if (request.method === 'GET' && path === '/ledger') return sendJson(response, 200, ledger.list(to))
    if (request.method === 'GET' && path === '/faults') return sendJson(response, 200, faults.left(to ?? '*'))
    if (request.method === 'DELETE' && path === '/faults') {
      faults.withdraw(to)
      return sendJson(response, 200, {})
    }
    if (request.method === 'POST' && path === '/faults') {
      const fault = readFault(parseJson(await read(request)))
      if (fault === undefined) return sendJson(response, 400, { message: 'this fault is not known' })
      faults.order(fault)
      return sendJson(response, 201, fault)
    }
    return sendJson(response, 404, twilioError(404, 20404, 'The requested resource was not found'))
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stand-in')
    if (!pathname.startsWith('/2010-04-01/')) return control(pathname, searchParams, request, response)
    if (request.headers.authorization !== authorization)
      return sendJson(response, 401, twilioError(401, 20003, 'Authenticate'))
    if (pathname === messagesPath && request.method === 'POST') return send(request, response)
    if (pathname === messagesPath && request.method === 'GET') return list(searchParams, request, response)
    return sendJson(response, 404, twilioError(404, 20404, 'The requested resource was not found'))
  }
  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy())
  })
  // An idle connection that is closed just as a client uses it again looks like a fault nobody ordered.
  server.keepAliveTimeout = 120_000
  return server
}

interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly quoted: string
  readonly work: () => { status: number; body: unknown }
}

/** What Twilio itself would not take, whatever was ordered. */
function refusal(form: URLSearchParams): Record<string, unknown> | undefined {
  if (!/^\+[1-9]\d{6,14}$/.test(form.get('To') ?? '')) return twilioError(400, 21211, "Invalid 'To' Phone Number")
  if (!form.has('From') && !form.has('MessagingServiceSid')) return twilioError(400, 21603, "A 'From' is required")
  if ((form.get('Body') ?? '') === '') return twilioError(400, 21602, 'Message body is required')
  return undefined
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
