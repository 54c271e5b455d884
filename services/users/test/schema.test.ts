import { Migrator } from 'kysely'
import t from 'tap'
import { type Database, openDatabase } from '../src/database.js'
import { up as first } from '../src/migrations/0001_first.js'
import { migrate } from '../src/migrations/index.js'
import { createDatabase, harness, newPhone, silent, sql } from './harness.js'

const released = [
  '0001_first',
  '0002_registrations',
  '0003_device_names',
  '0004_phone_undos',
  '0006_receipts',
  '0008_admins',
  '0009_traces',
  '0012_carrier_ids',
  '0013_switches',
  '0014_order_and_age',
  '0015_told_acts',
  '0016_email',
  '0018_conversion_days',
  '0019_traced_emails',
]

type Columns = { [T in keyof Database]: Record<keyof Database[T], true> }

// Does not compile where it differs from the types; fails below where it differs from the database.
const columns = {
  users: {
    id: true,
    number: true,
    active: true,
    claimed_phone: true,
    claimed_email: true,
    claimed_username: true,
    phone_optional: true,
    registered_face: true,
    registered_client: true,
    last_sign_in_at: true,
    credentials_changed_at: true,
    phone: true,
    phone_verified_at: true,
    email: true,
    email_verified_at: true,
    name: true,
    username: true,
    role: true,
    profile: true,
    password_hash: true,
    second_factor: true,
    disabled_at: true,
    created_at: true,
    updated_at: true,
    role_before: true,
    role_changed_at: true,
  },
  sessions: {
    id: true,
    user_id: true,
    device_id: true,
    face: true,
    device_name: true,
    generation: true,
    token_key_id: true,
    rotated_at: true,
    created_at: true,
    idle_expires_at: true,
    expires_at: true,
    revoked_at: true,
  },
  devices: { id: true, user_id: true, token_key_id: true, issued_at: true, expires_at: true, superseded_at: true },
  reset_tokens: { id: true, user_id: true, created_at: true, expires_at: true, used_at: true },
  phone_undos: {
    token_hash: true,
    user_id: true,
    number: true,
    phone: true,
    emails_too: true,
    email: true,
    email_verified_at: true,
    created_at: true,
    expires_at: true,
  },
  consumed_challenges: { challenge_id: true, consumed_at: true },
  sms_messages: {
    id: true,
    challenge_id: true,
    generation: true,
    purpose: true,
    country: true,
    request_id: true,
    state: true,
    rank: true,
    reason: true,
    first_at: true,
    last_at: true,
  },
  sms_attempts: {
    message_id: true,
    number: true,
    provider: true,
    outcome: true,
    provider_message_id: true,
    carrier_code: true,
    says: true,
    started_at: true,
    ended_at: true,
  },
  sms_receipts: {
    provider: true,
    provider_message_id: true,
    message_id: true,
    attempt: true,
    state: true,
    rank: true,
    reason: true,
    carrier_code: true,
    says: true,
    segments: true,
    price: true,
    currency: true,
    at: true,
    parked: true,
  },
  opt_outs: { number: true, opted_out: true, until: true, version: true, changed_at: true },
  opt_out_words: { provider: true, source: true, number: true, word: true, at: true },
  opt_out_version: { one: true, version: true },
  message_trace: {
    id: true,
    at: true,
    kind: true,
    request_id: true,
    route: true,
    challenge_id: true,
    message_id: true,
    phone: true,
    last_two: true,
    email: true,
    email_first: true,
    face: true,
    purpose: true,
    country: true,
    channel: true,
    generation: true,
    says: true,
    hit: true,
    until: true,
    attempts_left: true,
    sent: true,
  },
  conversion_days: {
    day: true,
    provider: true,
    country: true,
    sent: true,
    delivered: true,
    undelivered: true,
    verified: true,
    median_seconds: true,
    told_cost: true,
    without_currency: true,
    untold: true,
    untold_segments: true,
  },
  conversion_written: { day: true, at: true },
  conversion_late: { id: true, day: true },
  audit: { id: true, at: true, actor: true, action: true, target: true, why: true, told_id: true, detail: true },
  copied_lists: { name: true, version: true },
  switches: {
    slot: true,
    id: true,
    does: true,
    target: true,
    name: true,
    weight: true,
    who: true,
    why: true,
    since: true,
    until: true,
    ended_at: true,
    version: true,
  },
} satisfies Columns

t.test('the tables are what their types say, column by column', async (t) => {
  const { db } = await harness(t)
  const tables = await db.introspection.getTables()
  const found = Object.fromEntries(
    tables.map(({ name, columns }) => [name, columns.map((column) => column.name).sort()]),
  )
  const expected = Object.fromEntries(Object.entries(columns).map(([name, names]) => [name, Object.keys(names).sort()]))
  t.same(found, expected)
})

t.test('replicas that start at once migrate once, and a migrated database is left alone', async (t) => {
  const url = await createDatabase(t)
  const done = await Promise.all(Array.from({ length: 5 }, () => migrate(url)))
  t.same(done.flat(), released)
  t.same(await migrate(url), [])
  t.equal((await sql(url, 'select name from kysely_migration')).length, released.length)
})

t.test('accounts of the first release are found again after the second has migrated', async (t) => {
  const url = await createDatabase(t)
  const old = openDatabase(url, { log: silent })
  const migrator = new Migrator({
    db: old,
    provider: { getMigrations: async () => ({ '0001_first': { up: first } }) },
  })
  await migrator.migrateToLatest()
  await old.destroy()
  const phone = newPhone()
  await sql(
    url,
    `insert into users (id, phone, phone_verified_at, role, profile, created_at, updated_at)
      values ('01890000-0000-7000-8000-000000000001', $1, now(), 'user', '{}', now(), now())`,
    [phone],
  )
  t.same(await migrate(url), released.slice(1))
  const { signIn } = await harness(t, { url })
  t.match(await signIn(phone), { status: 200, body: { user: { phone, phoneVerified: true } } })
})

t.test('before the schema is there a request is told to come again', async (t) => {
  const { person } = await harness(t, { url: await createDatabase(t) })
  const reply = await person('01890000-0000-7000-8000-000000000000')
  t.match(reply, { status: 503, body: { code: 'unavailable' }, headers: { 'retry-after': '1' } })
})

t.test('after a rollback the older release is content with a newer schema, but not with a foreign one', async (t) => {
  const url = await createDatabase(t)
  const names = await migrate(url)
  const run = (name: string) => sql(url, 'insert into kysely_migration values ($1, now()::text)', [name])
  await run('9999_of_the_next_release')
  t.strictSame(await migrate(url), [])
  await run('0000_of_somebody_else')
  await t.rejects(migrate(url))
  t.ok(names.length > 0)
})
