import { type Kysely, sql } from 'kysely'

/** What a person knows a session by. Sessions that are there have none. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table sessions add column device_name text`.execute(db)
}
