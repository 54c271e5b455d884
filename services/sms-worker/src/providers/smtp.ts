import { Readable } from 'node:stream'
import type { Email } from '@latchkey/contracts/address'
import MailComposer from 'nodemailer/lib/mail-composer'
import type { SendOutcome, SmsMessage, SmsProvider } from './provider.js'
import { type Broken, outcomeOf } from './smtp-codes.js'
import { createLines, type Line, lineIdleMs } from './smtp-line.js'

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

/** A mail server, and what ends its connections. */
export interface Smtp extends SmsProvider {
  close(): void
}

interface SmtpOptions {
  readonly timeoutMs: number
  /** How long a connection waits for the next mail. */
  readonly idleMs?: number
}

/**
 * A mail server. A connection is kept for the next mail, and what becomes of each is its own: one that breaks before the server asked for the
 * content has taken nothing, and if it was a kept one, a new one decides at once (docs/adr/0053-a-connection-to-the-mail-server-is-kept.md).
 */
export function createSmtp(server: MailServer, { timeoutMs, idleMs = lineIdleMs }: SmtpOptions): Smtp {
  const { host, port, secure, startTls, login, from } = server
  const options = {
    host,
    port,
    secure,
    requireTLS: startTls,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    // A mail has a time of its own; this is for a connection that nobody ends.
    socketTimeout: timeoutMs + idleMs,
    name: from.address.slice(from.address.lastIndexOf('@') + 1),
  }
  const lines = createLines({ options, login, idleMs })

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
      const untilMs = performance.now() + patienceMs
      return handIn({ to: message.to, raw, untilMs, providerMessageId }, lines.takeIdle())
    },
    close: lines.close,
  }

  interface Mail {
    readonly to: string
    readonly raw: Buffer
    readonly untilMs: number
    readonly providerMessageId: string
  }

  function handIn(mail: Mail, kept?: Line): Promise<SendOutcome> {
    return new Promise((resolve) => {
      // Read only once the server said that it waits for the message: until then nothing can have been taken.
      let begun = false
      let over = false
      const content = new Readable({
        read() {
          begun = true
          this.push(mail.raw)
          this.push(null)
        },
      })
      const end = (outcome: () => SendOutcome | Promise<SendOutcome>) => {
        // What comes later, the end of the connection above all, changes nothing.
        if (over) return
        over = true
        clearTimeout(timer)
        resolve(outcome())
      }
      const fail = (broken: Broken) =>
        end(() => {
          line.connection.close()
          const nothingSaid = kept !== undefined && !begun && isGoodbye(broken)
          return nothingSaid ? handIn(mail) : outcomeOf(broken, { begun })
        })
      const succeed = () =>
        end(() => {
          lines.keep(line)
          return { outcome: 'accepted', providerMessageId: mail.providerMessageId }
        })
      const timeOut = () =>
        end(() => {
          line.connection.close()
          return outcomeOf({ code: 'ETIMEDOUT' }, { begun })
        })
      const send = ({ connection }: Line) =>
        connection.send({ from: from.address, to: mail.to }, content, (error) =>
          error === null ? succeed() : fail(error),
        )
      const timer = setTimeout(timeOut, Math.max(0, mail.untilMs - performance.now()))
      const line = kept ?? lines.open(fail, send)
      if (kept === undefined) return
      kept.onEnd = fail
      send(kept)
    })
  }
}

/** Whether a server said nothing any more, or only that it closes. */
const isGoodbye = ({ responseCode }: Broken): boolean => responseCode === undefined || responseCode === 421
