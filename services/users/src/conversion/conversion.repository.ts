import { decoyPrefix } from '@latchkey/contracts/delivery'
import type { SmsPrice } from '@latchkey/contracts/sms-prices'
import { type RawBuilder, sql } from 'kysely'
import type { Db, Trx } from '../database.js'

export interface Counted {
  readonly day: string
  readonly provider: string
  readonly country: string
  readonly sent: number
  readonly delivered: number
  readonly undelivered: number
  readonly verified: number
  readonly unpriced: number
  readonly median_seconds: number | null
  readonly cost: Record<string, string>
  readonly cost_per_verified: Record<string, string>
}

const ofNobody = `${decoyPrefix}%`

/**
 * What the log says of one day, by carrier and country, before any table of prices: as it is kept. A code that was answered counts for one
 * message: the latest that a carrier took before the answer, rather one of which it does not say that it was lost.
 */
const ofTheLog = ({ from, to }: { from: Date; to: Date }): RawBuilder<unknown> => sql`
    with taken as (
      select a.provider, a.ended_at, m.country, v.consumed_at, r.price, r.currency, coalesce(r.segments, 1) as segments,
        (a.ended_at at time zone 'UTC')::date as day,
        -- Of a carrier that reports nothing the worker itself says that it arrived.
        case when r.state is not null then r.state
          when m.state = 'delivered' and not exists (select from sms_receipts o where o.message_id = m.id) then 'delivered'
        end as told
      from sms_attempts a
      join sms_messages m on m.id = a.message_id
      left join sms_receipts r on r.provider = a.provider and r.provider_message_id = a.provider_message_id
      -- Looked up row by row: joined as a whole it took the square of the messages, where the planner knows no better.
      left join lateral (
        select c.consumed_at
        from consumed_challenges c
        where c.challenge_id = m.challenge_id and (a.message_id, a.number) = (
          select b.message_id, b.number
          from sms_messages n
          -- OFFSET keeps the planner from reading every accepted attempt once a message.
          cross join lateral (select * from sms_attempts where message_id = n.id offset 0) b
          left join sms_receipts s on s.provider = b.provider and s.provider_message_id = b.provider_message_id
          where n.challenge_id = c.challenge_id and b.outcome = 'accepted' and b.provider not like ${ofNobody}
          order by (b.started_at <= c.consumed_at) desc, coalesce(s.state = 'undelivered', false), b.ended_at desc
          limit 1
        )
      ) v on true
      where a.outcome = 'accepted' and a.provider not like ${ofNobody} and a.ended_at >= ${from} and a.ended_at < ${to}
    ),
    amounts as (
      select day, provider, country, currency, sum(price) as amount
      from taken
      where price is not null and currency is not null
      group by day, provider, country, currency
    ),
    told as (
      select day, provider, country, jsonb_object_agg(currency, amount::text) as told_cost
      from amounts
      group by day, provider, country
    )
    select t.day, t.provider, t.country,
      count(*)::int as sent,
      (count(*) filter (where t.told = 'delivered'))::int as delivered,
      (count(*) filter (where t.told = 'undelivered'))::int as undelivered,
      count(t.consumed_at)::int as verified,
      percentile_cont(0.5) within group (
        order by case when t.consumed_at is not null then greatest(0, extract(epoch from t.consumed_at - t.ended_at))::float8 end
      ) as median_seconds,
      coalesce((select c.told_cost from told c where (c.day, c.provider, c.country) = (t.day, t.provider, t.country)), '{}') as told_cost,
      (count(*) filter (where t.price is not null and t.currency is null))::int as without_currency,
      (count(*) filter (where t.price is null))::int as untold,
      coalesce(sum(t.segments) filter (where t.price is null), 0)::int as untold_segments
    from taken t
    group by t.day, t.provider, t.country`

/** The figures of some days with what they cost: by receipts, and by the table for each segment of which no receipt told a price. */
async function priced(db: Db, days: RawBuilder<unknown>, prices: readonly SmsPrice[]): Promise<Counted[]> {
  const { rows } = await sql<Counted>`
    with prices as (
      select * from jsonb_to_recordset(${JSON.stringify(prices)}::jsonb) as p (provider text, country text, price numeric, currency text)
    ),
    days as (${days})
    select to_char(d.day, 'YYYY-MM-DD') as day, d.provider, d.country, d.sent, d.delivered, d.undelivered, d.verified, d.median_seconds,
      d.without_currency + case when t.price is null then d.untold else 0 end as unpriced,
      coalesce(c.cost, '{}') as cost,
      coalesce(c.cost_per_verified, '{}') as cost_per_verified
    from days d
    left join lateral (
      select price, currency from prices p
      where p.provider = d.provider and p.country in (d.country, '*')
      order by p.country = '*'
      limit 1
    ) t on true
    left join lateral (
      select jsonb_object_agg(s.currency, round(s.amount, 6)::text) as cost,
        jsonb_object_agg(s.currency, round(s.amount / nullif(d.verified, 0), 6)::text) filter (where d.verified > 0) as cost_per_verified
      from (
        select a.currency, sum(a.amount) as amount
        from (
          select key as currency, value::numeric as amount from jsonb_each_text(d.told_cost)
          union all
          select t.currency, t.price * d.untold_segments where d.untold > 0 and t.price is not null
        ) a
        group by a.currency
      ) s
    ) c on true
    order by d.day, d.provider, d.country`.execute(db)
  return rows
}

/** By carrier, country and day, of what carriers took between two times, counted from the delivery log. */
export const countConversion = (
  db: Db,
  { prices, ...range }: { from: Date; to: Date; prices: readonly SmsPrice[] },
): Promise<Counted[]> => priced(db, ofTheLog(range), prices)

/** The same of days that were written down. */
export const readConversion = (
  db: Db,
  { days, prices }: { days: readonly string[]; prices: readonly SmsPrice[] },
): Promise<Counted[]> =>
  priced(db, sql`select * from conversion_days where day = any(${sql.val([...days])}::date[])`, prices)

/** Of some days those that were written down, and of which nothing was heard since. */
export async function findWritten(db: Db, { from, to }: { from: string; to: string }): Promise<string[]> {
  const { rows } = await sql<{ day: string }>`
    select to_char(w.day, 'YYYY-MM-DD') as day from conversion_written w
    where w.day between ${from}::date and ${to}::date and not exists (select from conversion_late l where l.day = w.day)`.execute(
    db,
  )
  return rows.map(({ day }) => day)
}

/**
 * The latest day, `last` at most, that is not written down, or of which something was heard since; of those before `again` none is written
 * down a second time. Days before the first message that is in the log were never.
 */
export async function findUnwritten(
  db: Db,
  { last, again }: { last: string; again: string },
): Promise<string | undefined> {
  const { rows } = await sql<{ day: string }>`
    select to_char(d, 'YYYY-MM-DD') as day
    from generate_series(
      (select date_trunc('day', min(ended_at) at time zone 'UTC') from sms_attempts where outcome = 'accepted'),
      ${last}::date::timestamp, interval '1 day'
    ) d
    left join conversion_written w on w.day = d::date
    where w.day is null or (d >= ${again}::date and exists (select from conversion_late l where l.day = d::date))
    order by d desc
    limit 1`.execute(db)
  return rows[0]?.day
}

/** Whether this transaction is the one that writes days down, until it ends. */
export async function isWriter(trx: Trx): Promise<boolean> {
  const { rows } = await sql<{ got: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended('conversion_days', 0)) as got`.execute(trx)
  return rows[0]?.got === true
}

/** Writes a day down as the log has it, in place of what stood there. */
export async function writeDay(trx: Trx, { day, from, to, at }: { day: string; from: Date; to: Date; at: Date }) {
  // Read before the log is: what is told meanwhile stays, and has the day counted again.
  const told = await trx.selectFrom('conversion_late').select('id').where('day', '=', day).execute()
  await trx.deleteFrom('conversion_days').where('day', '=', day).execute()
  await sql`insert into conversion_days (day, provider, country, sent, delivered, undelivered, verified, median_seconds,
      told_cost, without_currency, untold, untold_segments) ${ofTheLog({ from, to })}`.execute(trx)
  await sql`insert into conversion_written (day, at) values (${day}::date, ${at})
    on conflict (day) do update set at = excluded.at`.execute(trx)
  await forget(
    trx,
    told.map(({ id }) => id),
  )
}

async function forget(trx: Trx, ids: readonly string[]): Promise<void> {
  await sql`delete from conversion_late where id = any(${sql.val([...ids])}::bigint[])`.execute(trx)
}

/** Notes the days that the messages of this one's challenge were taken on: an answer counts for one of them. */
export async function insertLate(trx: Trx, messageId: string): Promise<void> {
  await sql`insert into conversion_late (day)
    select distinct (a.ended_at at time zone 'UTC')::date
    from sms_messages m
    join sms_messages n on n.challenge_id = m.challenge_id
    join sms_attempts a on a.message_id = n.id
    where m.id = ${messageId}`.execute(trx)
}

/** Forgets what was heard too late of days that are never counted again; says how many. */
export async function dropLate(db: Db, before: string): Promise<number> {
  const dropped = await db.deleteFrom('conversion_late').where('day', '<', before).executeTakeFirst()
  return Number(dropped.numDeletedRows)
}
