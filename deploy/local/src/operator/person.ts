import { parseArgs } from 'node:util'
import { Email } from '@latchkey/contracts/address'
import { type DataSubject, eraseData, exportData } from '@latchkey/contracts/internal/own-data'
import type { E164 } from '@latchkey/contracts/phone'
import { Value } from 'typebox/value'
import { misspelt, print, readPhone, runCommand } from './command.js'
import { openUsersApi } from './users-api.js'

const usage = `usage: npm run person -- export | erase <phone | e-mail | account id>
  export   prints everything that is kept about one person, as JSON
  erase    deletes it: account, registrations, sessions, trace; wants --yes, there is no way back
  --why    your reason, kept in the audit
  --json   for programs
Make sure first that it is him who asks. Both stand in the audit.`

await runCommand('person', async (words) => {
  const { values, positionals } = read(words)
  const [what, whom = ''] = positionals
  const whose = subject(whom)
  if (whose === undefined || positionals.length !== 2) throw misspelt(usage)
  const users = openUsersApi()
  const order = { by: users.by, whose, ...(values.why !== undefined && { why: values.why }) }
  if (what === 'export') return print([], { json: true, data: await users.call(exportData, order) })
  if (what !== 'erase' || values.yes !== true) throw misspelt(usage)
  const erased = await users.call(eraseData, order)
  const { accounts, registrations, notes } = erased
  print([`erased: accounts ${accounts}, registrations ${registrations}, notes of the trace ${notes}`], {
    json: values.json === true,
    data: erased,
  })
})

function read(words: string[]) {
  try {
    return parseArgs({
      args: words,
      options: { why: { type: 'string' }, yes: { type: 'boolean' }, json: { type: 'boolean' } },
      allowPositionals: true,
    })
  } catch {
    throw misspelt(usage)
  }
}

function subject(text: string): DataSubject | undefined {
  const phone = readPhone(text) as E164 | undefined
  if (phone !== undefined) return { phone }
  const email = text.trim().toLowerCase()
  if (Value.Check(Email, email)) return { email }
  return /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text) ? { id: text } : undefined
}
