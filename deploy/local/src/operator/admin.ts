import { parseArgs } from 'node:util'
import { type Admin, createAdmin, listAdmins, revokeAdmin } from '@latchkey/contracts/internal/admins'
import type { E164 } from '@latchkey/contracts/phone'
import { misspelt, print, readPhone, runCommand } from './command.js'
import { openUsersApi } from './users-api.js'

const usage = `usage: npm run admin -- create <phone> | list | revoke <phone or account id>
  create   gives the account of a proved phone the role admin: it opens /v1/admin with the sessions it has
  revoke   takes the role away; the next call is refused
  --why    your reason, kept in the audit
  --json   for programs`

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

await runCommand('admin', async (words) => {
  const { values, positionals } = read(words)
  const [what, whom = ''] = positionals
  const json = values.json === true
  const why = values.why === undefined ? {} : { why: values.why }
  const phone = readPhone(whom) as E164 | undefined
  const users = openUsersApi()
  const { by } = users
  if (what === 'list' && positionals.length === 1) {
    const { admins } = await users.call(listAdmins, { by })
    const page = admins.length > 0 ? admins.map(line) : ['nobody is an admin yet: npm run admin -- create <phone>']
    return print(page, { json, data: admins })
  }
  if (what === 'create' && phone !== undefined) {
    const { admin, changed } = await users.call(
      createAdmin,
      { by, phone, ...why },
      {
        'not.found': 'no account has proved this phone: sign up with it first, then ask again',
        'account.disabled': 'the account of this phone is disabled',
      },
    )
    return print([changed ? `${line(admin)}: is an admin now` : `${line(admin)}: was an admin already`], {
      json,
      data: admin,
    })
  }
  const admin = phone !== undefined ? { phone } : uuid.test(whom) ? { id: whom } : undefined
  if (what !== 'revoke' || admin === undefined) throw misspelt(usage)
  const revoked = await users.call(
    revokeAdmin,
    { by, admin, ...why },
    { 'not.found': 'no admin has this phone or id: npm run admin -- list' },
  )
  print([`${line(revoked.admin)}: is no admin any more`], { json, data: revoked.admin })
})

function read(words: string[]) {
  try {
    return parseArgs({
      args: words,
      options: { why: { type: 'string' }, json: { type: 'boolean' } },
      allowPositionals: true,
    })
  } catch {
    throw misspelt(usage)
  }
}

function line({ id, phone, name, since }: Admin): string {
  const parts = [id, phone ?? 'no phone', since === null ? '' : `since ${since}`, name ?? '']
  return parts.filter((part) => part !== '').join('  ')
}
