import { type Kysely, sql } from 'kysely'

const statements = [
  sql`create table conversion_days (
    day date not null,
    provider text not null,
    country text not null,
    sent integer not null,
    delivered integer not null,
    undelivered integer not null,
    verified integer not null,
    median_seconds double precision,
    told_cost jsonb not null,
    without_currency integer not null,
    untold integer not null,
    untold_segments integer not null,
    primary key (day, provider, country)
  )`,
  sql`create table conversion_written (day date primary key, at timestamptz not null)`,
  // A row each time, so that who writes about a message never waits for who counts a day.
  sql`create table conversion_late (id bigint generated always as identity primary key, day date not null)`,
  sql`create index conversion_late_day on conversion_late (day)`,
]

/** What the messages of a day came to, once it is over. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
