import { type Kysely, sql } from 'kysely'

const statements = [
  sql`create table users (
    id uuid primary key,
    number bigint generated always as identity unique,
    phone text constraint users_phone unique,
    phone_verified_at timestamptz,
    email text,
    email_verified_at timestamptz,
    name text,
    username text,
    role text not null,
    profile jsonb not null,
    password_hash text,
    second_factor boolean not null default false,
    disabled_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
  )`,
  sql`create unique index users_email on users (lower(email)) where email is not null`,
  sql`create unique index users_username on users (lower(username)) where username is not null`,
  sql`create table devices (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    token_key_id text not null,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    superseded_at timestamptz
  )`,
  sql`create index devices_user on devices (user_id)`,
  sql`create table sessions (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    device_id uuid not null references devices on delete cascade,
    face text not null,
    generation integer not null default 1 check (generation >= 1),
    token_key_id text not null,
    rotated_at timestamptz,
    created_at timestamptz not null,
    idle_expires_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
  )`,
  sql`create index sessions_user on sessions (user_id) where revoked_at is null`,
  sql`create index sessions_device on sessions (device_id)`,
  sql`create table reset_tokens (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
  )`,
  sql`create index reset_tokens_user on reset_tokens (user_id)`,
  sql`create table consumed_challenges (
    challenge_id text primary key,
    consumed_at timestamptz not null
  )`,
  sql`create table sms_messages (
    id uuid primary key,
    challenge_id text not null,
    generation integer not null,
    purpose text not null,
    country text not null,
    request_id text not null,
    state text not null,
    rank smallint not null,
    reason text,
    first_at timestamptz not null,
    last_at timestamptz not null
  )`,
  // What the sweeper looks for, and nothing else.
  sql`create index sms_messages_open on sms_messages (last_at) where rank < 4`,
  sql`create table sms_attempts (
    message_id uuid not null references sms_messages on delete cascade,
    number integer not null,
    provider text not null,
    outcome text not null,
    provider_message_id text,
    carrier_code text,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    primary key (message_id, number)
  )`,
]

/** People, their sessions and devices, reset tokens, the fence of challenges, and the delivery log. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
