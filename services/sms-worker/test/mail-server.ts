import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Email } from '@latchkey/contracts/address'
import { SMTPServer } from 'smtp-server'
import type { Test } from 'tap'

/** What a mail server does to those who write to a mailbox, or to itself. */
export type Ailment =
  | { readonly at: 'greeting' | 'rcpt' | 'content'; readonly code: number }
  /** It took the message, and is gone before it says so. */
  | { readonly at: 'content'; readonly drops: true }
  | { readonly at: 'content'; readonly afterMs: number }
  /** It ends the connection instead of answering. */
  | { readonly at: 'rcpt'; readonly drops: true }

export interface Mail {
  readonly to: string
  readonly from: string
  readonly raw: string
}

const refusal = (code: number) => Object.assign(new Error('a word about somebody@example.com'), { responseCode: code })

/** A real mail server on a port of its own: nodemailer's, whose answers can be made to order. */
export async function startMailServer(t: Test, { login }: { login?: { user: string; pass: string } } = {}) {
  const mails: Mail[] = []
  const ailments = new Map<string, Ailment[]>()
  const sockets = new Set<Socket>()
  /** Those of everybody stand under no name. */
  const next = (at: Ailment['at'], mailbox = '') => {
    const [first, ...rest] = ailments.get(mailbox) ?? []
    if (first?.at !== at) return undefined
    ailments.set(mailbox, rest)
    return first
  }
  const dropAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  let connections = 0
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: login === undefined,
    allowInsecureAuth: true,
    logger: false,
    onAuth({ username, password }, _session, callback) {
      if (username === login?.user && password === login?.pass) return callback(null, { user: username })
      return callback(refusal(535))
    },
    onConnect(_session, callback) {
      const ailment = next('greeting')
      callback(ailment !== undefined && 'code' in ailment ? refusal(ailment.code) : null)
    },
    onRcptTo({ address }, _session, callback) {
      const ailment = next('rcpt', address)
      if (ailment !== undefined && 'drops' in ailment) return dropAll()
      callback(ailment !== undefined && 'code' in ailment ? refusal(ailment.code) : null)
    },
    onData(stream, { envelope }, callback) {
      const take = (raw: string) => {
        const [to = ''] = envelope.rcptTo.map(({ address }) => address)
        const ailment = next('content', to)
        if (ailment !== undefined && 'code' in ailment) return callback(refusal(ailment.code))
        mails.push({ to, from: envelope.mailFrom === false ? '' : envelope.mailFrom.address, raw })
        if (ailment !== undefined && 'drops' in ailment) dropAll()
        else if (ailment === undefined) callback(null)
        else setTimeout(() => callback(null), ailment.afterMs)
      }
      let raw = ''
      stream.setEncoding('utf8')
      stream.on('data', (piece: string) => (raw += piece))
      stream.on('end', () => take(raw))
    },
  })
  server.on('error', () => undefined)
  server.server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const port = await new Promise<number>((resolve) => {
    const listening = server.listen(0, '127.0.0.1', () => {
      const address = listening.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const credentials = login === undefined ? '' : `${encodeURIComponent(login.user)}:${encodeURIComponent(login.pass)}@`
  return {
    env: { SMTP_URL: `smtp://${credentials}127.0.0.1:${port}`, MAIL_FROM: 'Acme Codes <codes@acme.example>' },
    port,
    /** How many there were so far, and how many there are. */
    connections: () => connections,
    open: () => sockets.size,
    /** Ends those on which nothing happens, with the word for it, or without. */
    hangUp: (word = '') => {
      for (const socket of sockets) socket.end(word)
    },
    to: (mailbox: string) => mails.filter(({ to }) => to === mailbox),
    ail: (mailbox: string, ...its: Ailment[]) => void ailments.set(mailbox, its),
  }
}

/** A mailbox nobody else in this run has. */
export const someMailbox = (): Email => `asha.${randomBytes(5).toString('hex')}@example.com` as Email
