import { type Kysely, sql } from 'kysely'

const statements = [
  sql`alter table users
    add column active boolean not null default true,
    add column claimed_phone text,
    add column claimed_email text,
    add column claimed_username text,
    add column phone_optional boolean not null default false,
    add column registered_face text,
    add column registered_client text,
    add column last_sign_in_at timestamptz,
    add column credentials_changed_at timestamptz`,
  // Not validated: every row that is there is active, and a scan of all of them would keep everybody waiting.
  sql`alter table users add constraint users_claims check (
    case when active then claimed_phone is null and claimed_email is null and claimed_username is null
    else phone is null and email is null and username is null and registered_face is not null and registered_client is not null
    end) not valid`,
  sql`create index users_claimed_phone on users (claimed_phone) where not active`,
  sql`create index users_claimed_email on users (lower(claimed_email)) where not active`,
  sql`create index users_claimed_username on users (lower(claimed_username)) where not active`,
  // What the sweeper looks for. Columns that never change, so that a sign-in or a refresh touches no index.
  sql`create index users_registered on users (created_at) where not active`,
  sql`create index sessions_expired on sessions (expires_at)`,
  sql`create index reset_tokens_expired on reset_tokens (expires_at)`,
  sql`create index consumed_challenges_at on consumed_challenges (consumed_at)`,
]

/** Accounts before their proof, whose phone, e-mail and username are only claims; what ends challenges; what the sweeper needs. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await statement.execute(db)
}
