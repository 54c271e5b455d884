import { type Kysely, sql } from 'kysely'

const statements = [
  // The order in which an account left its phones: no two clocks have to agree on it.
  sql`alter table phone_undos add column number bigint generated always as identity`,
  // What the sweeper looks for.
  sql`create index devices_expired on devices (expires_at)`,
  sql`create index opt_out_words_at on opt_out_words (at)`,
]

/** Which of two changes of phone is the older, and what the sweeper needs for devices and words. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
