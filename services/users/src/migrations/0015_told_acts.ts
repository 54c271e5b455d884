import { type Kysely, sql } from 'kysely'

const statements = [
  // Acts that are told by a queue come at least once, and are written down once.
  sql`alter table audit add column told_id uuid unique`,
]

/** What operators do where there is no database: at the worker. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
