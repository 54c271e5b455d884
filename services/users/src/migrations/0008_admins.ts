import { type Kysely, sql } from 'kysely'

const statements = [
  sql`alter table users add column role_before text`,
  sql`alter table users add column role_changed_at timestamptz`,
  // The role opens something from now on: whoever gave it to himself at a sign-up, when it opened nothing, does not keep it.
  sql`update users set role = 'user' where role = 'admin'`,
  sql`create index users_admins on users (id) where role = 'admin'`,
  sql`create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    actor text not null,
    action text not null,
    target text,
    why text,
    detail jsonb not null
  )`,
]

/** Admins, and what operators did. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
