import type { Story } from '@latchkey/contracts/admin/messages'
import type { TraceSubject } from '@latchkey/contracts/internal/traces'
import { type Address, isEmail } from '@latchkey/contracts/address'
import { type TraceBatch, type TraceEvent, tracedAs } from '@latchkey/contracts/queues/trace'
import { hmac, type Key } from '@latchkey/kit/key-ring'
import type { Audit } from '../audit/audit.service.js'
import type { Challenges } from '../challenges/challenges.service.js'
import { type Db, inBatches, type Trx } from '../database.js'
import type { Deliveries } from '../deliveries/deliveries.service.js'
import { tellStory } from './story.js'
import * as traces from './traces.repository.js'

/** What became of every code of the last weeks, from the request for it on: what gateways decided, joined with the delivery log. */
export interface Traces {
  /** Writes events down, once each. */
  record(batch: TraceBatch): Promise<void>
  /** Newest first, 20 at most. The look itself stands in the audit. */
  read(about: TraceSubject, actor: string): Promise<Story[]>
  /** All that is kept about the codes for a phone or an e-mail, newest first. */
  storiesOf(address: Address): Promise<Story[]>
  /** What a phone or an e-mail is called where it must not stand. */
  nameOf(address: Address): string
  /** Of a phone or an e-mail whose account is deleted; says how many notes it were. */
  forget(trx: Trx, address: Address): Promise<number>
  /** Deletes what is kept no longer; says how many. */
  sweep(): Promise<number>
}

interface TracesNeeds {
  readonly db: Db
  readonly key: Key
  readonly keptDays: number
  readonly audit: Audit
  readonly deliveries: Pick<Deliveries, 'log' | 'challengeOf'>
  readonly challenges: Pick<Challenges, 'whenUsed'>
  readonly now: () => Date
}

const dayMs = 24 * 3_600_000
const mostStories = 20
const mostEvents = 1_000

export function createTraces({ db, key, keptDays, audit, deliveries, challenges, now }: TracesNeeds): Traces {
  const keptSince = () => new Date(now().getTime() - keptDays * dayMs)
  function named(address: Address): traces.TracedAddress {
    const kind = isEmail(address) ? 'email' : 'phone'
    return { kind, hash: hmac(key, tracedAs[kind], address).subarray(0, 16).toString('base64url') }
  }

  async function challengesOf(
    about: TraceSubject,
    most: number,
  ): Promise<{ ids: string[]; refused: traces.TraceRow[] }> {
    if ('challenge' in about) return { ids: [about.challenge], refused: [] }
    if ('message' in about) {
      const id = (await deliveries.challengeOf(about.message)) ?? (await traces.findChallengeOf(db, about.message))
      return { ids: id === undefined ? [] : [id], refused: [] }
    }
    const events = await traces.findOfAddress(db, named(addressOf(about)), { since: keptSince(), most: mostEvents })
    const ids = events.flatMap(({ challenge_id: id }) => (id === null ? [] : [id]))
    return {
      ids: [...new Set(ids)].slice(0, most),
      refused: events.filter(({ challenge_id: id }) => id === null).slice(0, most),
    }
  }

  async function tell(about: TraceSubject, most: number): Promise<Story[]> {
    const { ids, refused } = await challengesOf(about, most)
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
      .slice(0, most)
  }

  return {
    async record({ events }) {
      await traces.insertEvents(db, events.map(toRow))
    },
    async read(about, actor) {
      const [[kind, text]] = Object.entries(about) as [[string, string]]
      const target = `${kind}:${'phone' in about || 'email' in about ? named(addressOf(about)).hash : text}`
      await db.transaction().execute((trx) => audit.record(trx, { actor, action: 'trace.read', target }))
      return tell(about, mostStories)
    },
    storiesOf: (address) => tell(isEmail(address) ? { email: address } : { phone: address }, mostEvents),
    nameOf: (address) => named(address).hash,
    forget: (trx, address) => traces.deleteOfAddress(trx, named(address)),
    sweep() {
      const before = keptSince()
      return inBatches((most) => traces.deleteOld(db, { before, most }))
    },
  }
}

const addressOf = (about: Extract<TraceSubject, { phone: unknown } | { email: unknown }>): Address =>
  'phone' in about ? about.phone : about.email

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
  email: event.email ?? null,
  email_first: event.emailFirst ?? null,
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
