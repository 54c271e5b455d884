import { type Kysely, sql } from 'kysely'

const statements = [
  sql`alter table message_trace add column email text, add column email_first text`,
  sql`create index message_trace_email on message_trace (email, at) where email is not null`,
]

/** What is traced by the e-mail it was asked for. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
