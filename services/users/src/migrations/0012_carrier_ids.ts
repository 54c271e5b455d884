import { type Kysely, sql } from 'kysely'

/** Receipts of carriers that are not told our ids name the message by theirs. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index sms_attempts_carrier_id on sms_attempts (provider, provider_message_id)
    where provider_message_id is not null`.execute(db)
}
