import { type Kysely, sql } from 'kysely'

const statements = [
  // No reference to sms_messages: a receipt may come before the message is written down.
  sql`create table sms_receipts (
    provider text not null,
    provider_message_id text not null,
    message_id uuid not null,
    attempt integer,
    state text not null,
    rank smallint not null,
    reason text,
    carrier_code text,
    segments smallint,
    price numeric(11, 6),
    currency text,
    at timestamptz not null,
    parked boolean not null default true,
    primary key (provider, provider_message_id)
  )`,
  sql`create index sms_receipts_message on sms_receipts (message_id)`,
  sql`create index sms_receipts_parked on sms_receipts (at) where parked`,
  // How a provider's messages fare at the moment: what decoys have to look like.
  sql`create index sms_attempts_accepted on sms_attempts (provider, ended_at) where outcome = 'accepted'`,
  sql`create table opt_outs (
    number text primary key,
    opted_out boolean not null,
    until timestamptz,
    version bigint not null,
    changed_at timestamptz not null
  )`,
  sql`create index opt_outs_version on opt_outs (version)`,
  // Every word once, so that one that is sent again changes nothing.
  sql`create table opt_out_words (
    provider text not null,
    source text not null,
    number text not null,
    word text not null,
    at timestamptz not null,
    primary key (provider, source)
  )`,
  // One row: who changes the list holds it, so versions are committed in their order.
  sql`create table opt_out_version (one boolean primary key default true check (one), version bigint not null)`,
  sql`insert into opt_out_version (version) values (0)`,
]

/** Receipts of carriers, and who is not to be texted. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
