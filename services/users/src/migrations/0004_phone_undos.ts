import { type Kysely, sql } from 'kysely'

const statements = [
  sql`create table phone_undos (
    token_hash text primary key,
    user_id uuid not null references users on delete cascade,
    phone text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
  )`,
  sql`create index phone_undos_user on phone_undos (user_id)`,
  sql`create index phone_undos_expired on phone_undos (expires_at)`,
]

/** The phones that accounts have left, for as long as that can be undone. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
