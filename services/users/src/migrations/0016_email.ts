import { type Kysely, sql } from 'kysely'

const statements = [
  // A change of e-mail is undone like one of phone, and either gives back both: the phone may be none, of an account that has only an e-mail.
  sql`alter table phone_undos
    alter column phone drop not null,
    add column emails_too boolean not null default false,
    add column email text,
    add column email_verified_at timestamptz`,
  sql`alter table message_trace add column channel text`,
]

/** What an account goes back to has an e-mail; a trace tells what went by mail. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
