import { decoyPrefix } from '@latchkey/contracts/delivery'
import type { SmsPrice } from '@latchkey/contracts/sms-prices'
import { sql } from 'kysely'
import type { Db } from '../database.js'

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
 * By carrier, country and day, of what carriers took between two times. A code that was answered counts for one message: the latest
 * that a carrier took before the answer, rather one of which it does not say that it was lost.
 */
export async function countConversion(
  db: Db,
  { from, to, prices }: { from: Date; to: Date; prices: readonly SmsPrice[] },
): Promise<Counted[]> {
  const list = JSON.stringify(prices)
  const { rows } = await sql<Counted>`
    with prices as (
      select * from jsonb_to_recordset(${list}::jsonb) as p (provider text, country text, price numeric, currency text)
    ),
    taken as (
      select a.provider, a.ended_at, m.country, v.consumed_at,
        to_char(a.ended_at at time zone 'UTC', 'YYYY-MM-DD') as day,
        -- Of a carrier that reports nothing the worker itself says that it arrived.
        case when r.state is not null then r.state
          when m.state = 'delivered' and not exists (select from sms_receipts o where o.message_id = m.id) then 'delivered'
        end as told,
        coalesce(r.price, coalesce(p.price, q.price) * coalesce(r.segments, 1)) as price,
        case when r.price is null then coalesce(p.currency, q.currency) else r.currency end as currency
      from sms_attempts a
      join sms_messages m on m.id = a.message_id
      left join sms_receipts r on r.provider = a.provider and r.provider_message_id = a.provider_message_id
      left join prices p on p.provider = a.provider and p.country = m.country
      left join prices q on q.provider = a.provider and q.country = '*'
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
    counted as (
      select t.day, t.provider, t.country,
        count(*)::int as sent,
        (count(*) filter (where t.told = 'delivered'))::int as delivered,
        (count(*) filter (where t.told = 'undelivered'))::int as undelivered,
        count(t.consumed_at)::int as verified,
        (count(*) filter (where t.price is null or t.currency is null))::int as unpriced,
        percentile_cont(0.5) within group (
          order by case when t.consumed_at is not null then greatest(0, extract(epoch from t.consumed_at - t.ended_at))::float8 end
        ) as median_seconds
      from taken t
      group by t.day, t.provider, t.country
    ),
    costs as (
      select day, provider, country, currency, sum(price) as amount
      from taken
      where price is not null and currency is not null
      group by day, provider, country, currency
    )
    select n.*,
      coalesce(jsonb_object_agg(c.currency, round(c.amount, 6)::text) filter (where c.currency is not null), '{}') as cost,
      coalesce(
        jsonb_object_agg(c.currency, round(c.amount / nullif(n.verified, 0), 6)::text) filter (where c.currency is not null and n.verified > 0),
        '{}'
      ) as cost_per_verified
    from counted n
    left join costs c using (day, provider, country)
    group by n.day, n.provider, n.country, n.sent, n.delivered, n.undelivered, n.verified, n.unpriced, n.median_seconds
    order by day, provider, country`.execute(db)
  return rows
}
