import { sql as text } from 'kysely'
import t, { type Test } from 'tap'
import { openDatabase, unlimited } from '../src/database.js'
import { createDatabase, silent, sql } from './harness.js'

const limits = ['lock_timeout = 600', 'statement_timeout = 800', 'idle_in_transaction_session_timeout = 2000']

function pooled(t: Test, url: string) {
  const db = openDatabase(url, { log: silent, connections: 1, pooled: true })
  t.teardown(() => db.destroy())
  return db
}

t.test('sessions that a pooler gives no limits, or longer ones, are told of', async (t) => {
  const url = await createDatabase(t)
  const database = new URL(url).pathname.slice(1)
  const set = (limit: string) => sql(url, `alter database "${database}" set ${limit}`)
  t.equal(
    await unlimited(pooled(t, url)),
    'the pooler must give its sessions: idle_in_transaction_session_timeout of at most 2000 ms, lock_timeout of at most 600 ms, statement_timeout of at most 800 ms',
  )
  for (const limit of limits) await set(limit)
  t.equal(await unlimited(pooled(t, url)), undefined)
  await set('lock_timeout = 601')
  t.match(await unlimited(pooled(t, url)), /sessions: lock_timeout of at most 600 ms$/)
})

t.test('through a pooler no statement has a name: the next one may meet another session', async (t) => {
  const db = pooled(t, await createDatabase(t))
  const count = async (of: typeof db) => {
    for (let n = 0; n < 3; n++) await text`select ${n}::int`.execute(of)
    const { rows } = await text<{ n: string }>`select count(*) as n from pg_prepared_statements`.execute(of)
    return Number(rows[0]?.n)
  }
  t.equal(await count(db), 0)
  const direct = openDatabase(await createDatabase(t), { log: silent, connections: 1 })
  t.teardown(() => direct.destroy())
  t.equal(await count(direct), 1, 'which it has everywhere else')
})
