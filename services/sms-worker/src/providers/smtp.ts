import { Readable } from 'node:stream'
import type { Email } from '@latchkey/contracts/address'
import MailComposer from 'nodemailer/lib/mail-composer'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { SendOutcome, SmsMessage, SmsProvider } from './provider.js'
import { type Broken, outcomeOf } from './smtp-codes.js'

/** Who mail is from. */
export interface Sender {
  /** Empty for none. */
  readonly name: string
  readonly address: Email
}

/** Where mail is handed in. */
export interface MailServer {
  readonly host: string
  readonly port: number
  /** TLS from the first byte. */
  readonly secure: boolean
  /** Nothing is said before STARTTLS, and nothing at all without it. */
  readonly startTls: boolean
  readonly login?: { readonly user: string; readonly password: string }
  readonly from: Sender
}

/** A mail server: one connection a message, so that what becomes of it is this message's own (docs/adr/0042-mail-is-another-channel.md). */
export function createSmtp(server: MailServer, { timeoutMs }: { readonly timeoutMs: number }): SmsProvider {
  const { host, port, secure, startTls, login, from } = server
  const options = {
    host,
    port,
    secure,
    requireTLS: startTls,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    name: from.address.slice(from.address.lastIndexOf('@') + 1),
  }

  async function compose({ id, to, body, letter }: SmsMessage): Promise<Buffer> {
    const composer = new MailComposer({
      from: { ...from },
      // An object is taken as one address: no list is looked for in it.
      to: { name: '', address: to },
      subject: letter?.subject ?? '',
      text: body,
      ...(letter !== undefined && { html: letter.html }),
      // The same for a second copy: mail programs show one of them.
      messageId: `<${id}@${options.name}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    return composer.compile().build()
  }

  return {
    name: 'smtp',
    timeoutMs,
    async send(message) {
      const raw = await compose(message)
      const patienceMs = Math.min(timeoutMs, message.lifeMs)
      const providerMessageId = `${message.id}-${message.attempt ?? 1}`
      return handIn({ to: message.to, raw, patienceMs, providerMessageId })
    },
  }

  interface Mail {
    readonly to: string
    readonly raw: Buffer
    readonly patienceMs: number
    readonly providerMessageId: string
  }

  function handIn({ to, raw, patienceMs, providerMessageId }: Mail): Promise<SendOutcome> {
    return new Promise((resolve) => {
      const connection = new SMTPConnection(options)
      // Read only once the server said that it waits for the message: until then nothing can have been taken.
      let begun = false
      const content = new Readable({
        read() {
          begun = true
          this.push(raw)
          this.push(null)
        },
      })
      const end = (outcome: SendOutcome) => {
        clearTimeout(timer)
        // What comes later, the end of the connection above all, changes nothing.
        resolve(outcome)
        if (outcome.outcome === 'accepted') connection.quit()
        else connection.close()
      }
      const fail = (error: Broken | null = null) => end(outcomeOf(error ?? {}, { begun }))
      const timer = setTimeout(() => end(outcomeOf({ code: 'ETIMEDOUT' }, { begun })), patienceMs)
      connection.on('error', fail)
      connection.on('end', () => fail())
      const send = () =>
        connection.send({ from: from.address, to }, content, (error) =>
          error === null ? end({ outcome: 'accepted', providerMessageId }) : fail(error),
        )
      connection.connect(() => {
        if (login === undefined) return send()
        const { user, password: pass } = login
        connection.login({ credentials: { user, pass } }, (error) => (error === null ? send() : fail(error)))
      })
    })
  }
}
