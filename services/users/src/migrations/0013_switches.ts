import { type Kysely, sql } from 'kysely'

const statements = [
  // A slot has one switch at a time; what it had before stands in the audit.
  sql`create table switches (
    slot text primary key,
    id uuid not null unique,
    does text not null,
    target text not null,
    name text not null,
    weight smallint,
    who text not null,
    why text not null,
    since timestamptz not null,
    until timestamptz not null,
    ended_at timestamptz,
    version bigint not null
  )`,
  // One row a list that is copied: who changes the list holds it, so versions are committed in their order.
  sql`create table copied_lists (name text primary key, version bigint not null)`,
  sql`insert into copied_lists (name, version) values ('switches', 0)`,
  // For looking back over a day.
  sql`create index if not exists sms_messages_first_at on sms_messages (first_at)`,
]

/** What operators switched, and until when. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
