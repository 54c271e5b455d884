import { type Kysely, sql } from 'kysely'

const statements = [
  sql`create table message_trace (
    id uuid primary key,
    at timestamptz not null,
    kind text not null,
    request_id text not null,
    route text not null,
    challenge_id text,
    message_id uuid,
    phone text,
    last_two text,
    face text,
    purpose text,
    country text,
    generation integer,
    says text,
    hit text,
    until timestamptz,
    attempts_left integer,
    sent boolean
  )`,
  sql`create index message_trace_phone on message_trace (phone, at) where phone is not null`,
  sql`create index message_trace_challenge on message_trace (challenge_id) where challenge_id is not null`,
  sql`create index message_trace_message on message_trace (message_id) where message_id is not null`,
  sql`create index message_trace_at on message_trace (at)`,
  sql`create index sms_messages_challenge on sms_messages (challenge_id)`,
  // What conversion is counted from.
  sql`create index sms_attempts_taken on sms_attempts (ended_at) where outcome = 'accepted'`,
  // What the carrier's code means, as the worker that knows the carrier says it.
  sql`alter table sms_attempts add column says text`,
  sql`alter table sms_receipts add column says text`,
]

/** What gateways decide about codes, and what carriers mean. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
