import type { Story } from '@latchkey/contracts/admin/messages'
import type { TraceSubject } from '@latchkey/contracts/internal/traces'
import type { E164 } from '@latchkey/contracts/phone'
import { type TraceBatch, type TraceEvent, tracedAs } from '@latchkey/contracts/queues/trace'
import { hmac, type Key } from '@latchkey/kit/key-ring'
import type { Audit } from '../audit/audit.service.js'
import type { Challenges } from '../challenges/challenges.service.js'
import { type Db, inBatches, type Trx } from '../database.js'
import type { Deliveries } from '../deliveries/deliveries.service.js'
import { tellStory } from './story.js'
import * as traces from './traces.repository.js'

/** What became of every code of the last month, from the request for it on: what gateways decided, joined with the delivery log. */
export interface Traces {
  /** Writes events down, once each. */
  record(batch: TraceBatch): Promise<void>
  /** Newest first, 20 at most. The look itself stands in the audit. */
  read(about: TraceSubject, actor: string): Promise<Story[]>
  /** Of a phone whose account is deleted. */
  forget(trx: Trx, phone: E164): Promise<void>
  /** Deletes what is older than a month; says how many. */
  sweep(): Promise<number>
}

interface TracesNeeds {
  readonly db: Db
  readonly key: Key
  readonly audit: Audit
  readonly deliveries: Pick<Deliveries, 'log' | 'challengeOf'>
  readonly challenges: Pick<Challenges, 'whenUsed'>
  readonly now: () => Date
}

const keptMs = 30 * 24 * 3_600_000
const mostStories = 20
const mostEvents = 1_000

export function createTraces({ db, key, audit, deliveries, challenges, now }: TracesNeeds): Traces {
  const nameOf = (phone: E164): string => hmac(key, tracedAs, phone).subarray(0, 16).toString('base64url')

  async function challengesOf(about: TraceSubject): Promise<{ ids: string[]; refused: traces.TraceRow[] }> {
    if ('challenge' in about) return { ids: [about.challenge], refused: [] }
    if ('message' in about) {
      const id = (await deliveries.challengeOf(about.message)) ?? (await traces.findChallengeOf(db, about.message))
      return { ids: id === undefined ? [] : [id], refused: [] }
    }
    const since = new Date(now().getTime() - keptMs)
    const events = await traces.findOfPhone(db, { phone: nameOf(about.phone), since, most: mostEvents })
    const ids = events.flatMap(({ challenge_id: id }) => (id === null ? [] : [id]))
    return {
      ids: [...new Set(ids)].slice(0, mostStories),
      refused: events.filter(({ challenge_id: id }) => id === null).slice(0, mostStories),
    }
  }

  return {
    async record({ events }) {
      await traces.insertEvents(db, events.map(toRow))
    },
    async read(about, actor) {
      const [[kind, named]] = Object.entries(about) as [[string, string]]
      const target = `${kind}:${'phone' in about ? nameOf(about.phone) : named}`
      await db.transaction().execute((trx) => audit.record(trx, { actor, action: 'trace.read', target }))
      const { ids, refused } = await challengesOf(about)
      const [events, messages, used] = await Promise.all([
        ids.length === 0 ? [] : traces.findOfChallenges(db, ids, mostEvents),
        deliveries.log(ids),
        challenges.whenUsed(ids),
      ])
      const stories = ids.map((id) =>
        tellStory({
          events: events.filter(({ challenge_id: of }) => of === id),
          messages: messages.filter(({ challenge_id: of }) => of === id),
          usedAt: used.get(id),
          now: now(),
        }),
      )
      const alone = refused.map((event) => tellStory({ events: [event], messages: [], usedAt: undefined, now: now() }))
      return [...stories, ...alone]
        .filter((story) => story !== undefined)
        .sort((a, b) => b.at.localeCompare(a.at))
        .slice(0, mostStories)
    },
    forget: (trx, phone) => traces.deleteOfPhone(trx, nameOf(phone)),
    sweep() {
      const before = new Date(now().getTime() - keptMs)
      return inBatches((most) => traces.deleteOld(db, { before, most }))
    },
  }
}

const toRow = ({ id, at, kind, requestId, route, ...event }: TraceEvent) => ({
  id,
  at: new Date(at),
  kind,
  request_id: requestId,
  route,
  challenge_id: event.challengeId ?? null,
  message_id: event.messageId ?? null,
  phone: event.phone ?? null,
  last_two: event.lastTwo ?? null,
  face: event.face ?? null,
  purpose: event.purpose ?? null,
  country: event.country ?? null,
  channel: event.channel ?? null,
  generation: event.generation ?? null,
  says: event.says ?? null,
  hit: event.limit ?? null,
  until: event.until === undefined ? null : new Date(event.until),
  attempts_left: event.attemptsLeft ?? null,
  sent: event.sent ?? null,
})
