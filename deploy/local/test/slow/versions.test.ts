import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { randomPhone } from '../journey/journey.js'
import { copyCheckout } from './checkout-copy.js'
import { production, someoneSignedUp, someoneWithCode } from './production.js'
import { lookInside } from './workers.js'

const jobs = 'libs/contracts/src/queues/sms.ts'
const gateway = 'services/auth-gateway/src/sms-queue.ts'
const migrations = 'services/users/src/migrations/index.ts'

/**
 * The version after this one, made of this one: its jobs are of a version that no worker of today reads, its own workers read both, and it has a
 * migration more. So it is this version that has to live beside one it has never heard of, as it was promised to.
 */
async function nextVersion(t: Test): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-next-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const copy = copyCheckout(join(folder, 'checkout'))
  const changes: readonly [file: string, take: string, put: string][] = [
    [
      jobs,
      'v: Type.Literal(1)',
      'v: Type.Union([Type.Literal(1), Type.Literal(2)]), hint: Type.Optional(Type.String())',
    ],
    [gateway, 'v: 1 as const,', "v: 2 as const, hint: 'of the next version',"],
    [
      migrations,
      "'0019_traced_emails': { up: tracedEmails },",
      "'0019_traced_emails': { up: tracedEmails }, '9999_next': { up: (db) => sql`alter table users add column of_the_next text not null default 'x'`.execute(db) },",
    ],
  ]
  for (const [file, take, put] of changes) {
    copy.change(file, take, put)
    await copy.bundle(file)
  }
  return copy.folder
}

t.test(
  'a new version comes beside the old one, and goes again: users first, then workers, then gateways',
  async (t) => {
    const [on, next] = await Promise.all([production(t), nextVersion(t)])
    const { stack, call, sql } = on
    const early = await someoneWithCode(on)

    await stack.another('users', {}, next)
    t.match(await sql("select count(*)::int as n from kysely_migration where name = '9999_next'"), [{ n: 1 }])
    t.match(
      await call('POST', early.answerPath, { code: early.code }),
      { status: 201 },
      'an old users on the new schema',
    )
    await someoneSignedUp(on)

    await stack.processes['auth-gateway'].stop('SIGTERM', 10_000)
    await stack.restart('auth-gateway', {}, next)
    const { queue } = lookInside(t, on)
    const phone = randomPhone()
    t.match(await call('POST', '/v1/signup', { phone }), { status: 202 }, 'a new gateway, before any new worker')
    await eventually('its job to wait', async () => (await queue.getDelayedCount()) === 1)
    t.same(
      (await on.ledger()).filter(({ to }) => to === phone),
      [],
    )
    await stack.another('sms-worker', {}, next)
    await stack.processes['sms-worker'].stop('SIGTERM', 10_000)
    t.ok(await on.codeFor(phone, 60_000), 'its code goes out once there is one')
    t.equal(await queue.getFailedCount(), 0)

    for (const name of ['auth-gateway', 'sms-worker', 'users'] as const) {
      await stack.processes[name].stop('SIGTERM', 10_000)
      await stack.restart(name)
    }
    await someoneSignedUp(on)
    await on.readyAgain()
  },
)
