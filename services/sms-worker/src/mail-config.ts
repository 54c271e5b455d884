import { Email } from '@latchkey/contracts/address'
import type { Rule } from '@latchkey/kit/config'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import type { MailServer, Sender } from './providers/smtp.js'

/** How mail is sent, if at all. */
export const Mail = Type.Object({
  NODE_ENV: Type.String({ default: 'production' }),
  SMTP_URL: Type.Optional(
    Type.String({ description: 'smtp://user:password@host:587 (STARTTLS) or smtps://…:465; none: no mail is sent' }),
  ),
  MAIL_FROM: Type.Optional(Type.String({ description: 'who mail is from: `Acme <codes@example.com>`' })),
})
type Mail = Static<typeof Mail>

/** Values are never quoted: a URL holds a password. */
export const mailRules: readonly Rule<Mail>[] = [
  ({ SMTP_URL, MAIL_FROM }) =>
    (SMTP_URL === undefined) === (MAIL_FROM === undefined)
      ? []
      : [`${SMTP_URL === undefined ? 'SMTP_URL' : 'MAIL_FROM'} is missing: mail wants both SMTP_URL and MAIL_FROM`],
  ({ SMTP_URL, NODE_ENV }) =>
    SMTP_URL === undefined || readServer(SMTP_URL, NODE_ENV) !== undefined
      ? []
      : ['SMTP_URL must be a URL like smtp://user:password@mail.example.com:587, escaped where need be'],
  ({ MAIL_FROM }) =>
    MAIL_FROM === undefined || readSender(MAIL_FROM) !== undefined
      ? []
      : ['MAIL_FROM must be an address in lower case, or one like `Acme <codes@example.com>`'],
]

/** The mail server and who mail is from; undefined where mail is not sent. */
export function mailOf({ SMTP_URL, MAIL_FROM, NODE_ENV }: Mail): MailServer | undefined {
  const server = SMTP_URL === undefined ? undefined : readServer(SMTP_URL, NODE_ENV)
  const from = MAIL_FROM === undefined ? undefined : readSender(MAIL_FROM)
  return server === undefined || from === undefined ? undefined : { ...server, from }
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

function readServer(text: string, mode: string): Omit<MailServer, 'from'> | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^smtps?:$/.test(url.protocol) || url.hostname === '') return undefined
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') return undefined
  const [user, password] = [unescape(url.username), unescape(url.password)]
  if (user === undefined || password === undefined || (user === '') !== (password === '')) return undefined
  const secure = url.protocol === 'smtps:'
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    // Codes and passwords go over no network in the clear.
    startTls: !secure && mode === 'production' && !loopback.test(url.hostname),
    ...(user !== '' && { login: { user, password } }),
  }
}

function unescape(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** A name is plain text: it stands in a header. */
const sender = /^(?:([A-Za-z0-9 .,&'()+!-]{1,64})<([^<>]+)>|([^<> ]+))$/

function readSender(text: string): Sender | undefined {
  const [, name = '', inBrackets, alone] = sender.exec(text) ?? []
  const address = inBrackets ?? alone
  return Value.Check(Email, address) ? { name: name.trim(), address } : undefined
}
