import { parseArgs } from 'node:util'
import { Email } from '@latchkey/contracts/address'
import type { Story } from '@latchkey/contracts/admin/messages'
import { readTrace, type TraceSubject } from '@latchkey/contracts/internal/traces'
import type { E164 } from '@latchkey/contracts/phone'
import { Value } from 'typebox/value'
import { misspelt, print, readPhone, runCommand } from './command.js'
import { openUsersApi } from './users-api.js'

const usage = `usage: npm run trace -- <phone | e-mail | challenge | message>
  Why did this number get no code? Tells what became of the last 20 codes for a phone or an e-mail, or of one challenge or message, for a month.
  --json   for programs
The look stands in the audit.`

await runCommand('trace', async (words) => {
  const { values, positionals } = read(words)
  const [named = '', ...more] = positionals
  const about = more.length === 0 ? subject(named) : undefined
  if (about === undefined) throw misspelt(usage)
  const users = openUsersApi()
  const { stories } = await users.call(readTrace, { by: users.by, about })
  const page = stories.length > 0 ? stories.flatMap(tell) : [nothing(about)]
  print(page, { json: values.json === true, data: stories })
})

function read(words: string[]) {
  try {
    return parseArgs({ args: words, options: { json: { type: 'boolean' } }, allowPositionals: true })
  } catch {
    throw misspelt(usage)
  }
}

function subject(text: string): TraceSubject | undefined {
  const phone = readPhone(text) as E164 | undefined
  if (phone !== undefined) return { phone }
  const email = text.trim().toLowerCase()
  if (Value.Check(Email, email)) return { email }
  if (/^[0-9a-f]{3}\.[0-9a-f]{32}$/.test(text)) return { challenge: text }
  return /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(text) ? { message: text } : undefined
}

const nothing = (about: TraceSubject): string =>
  'phone' in about || 'email' in about
    ? 'Nothing is known of this address: for a month nobody asked for a code to it here, or the caller was turned away before it was read.'
    : 'Nothing is known under this id: it is older than a month, or never was.'

function tell({ at, phone, email, country, purpose, face, challengeId, answer, lines }: Story): string[] {
  const width = Math.max(...lines.map(({ ms }) => String(ms).length))
  return [
    [at, phone, email, country, purpose, face].filter((part) => part !== null).join('  '),
    ...(challengeId === null ? [] : [`  challenge ${challengeId}`]),
    `  ${answer}`,
    ...lines.map(({ ms, says }) => `  ${String(ms).padStart(width)} ms  ${says}`),
    '',
  ]
}
