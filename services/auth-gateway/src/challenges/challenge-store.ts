import { randomInt, randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { ChallengePolicy } from '../flows/policy.js'
import type {
  Answered,
  ChallengeStore,
  Claim,
  KnownChallenge,
  Message,
  NewChallenge,
  Numbers,
  Opened,
  Resent,
} from './challenge.js'
import type { Subject } from './challenge-keys.js'
import { knownChallenge, newRecord, purposeOf, resentFields, type Record } from './challenge-record.js'
import { createChallengeScripts, type ScriptOptions, type Send } from './challenge-scripts.js'
import type { ChallengeSecrets } from './challenge-secrets.js'

export interface ChallengeStoreOptions extends ScriptOptions {
  readonly secrets: ChallengeSecrets
}

const idPattern = /^[0-9a-f]{3}\.[0-9a-f]{32}$/
const tombstoneMs = 15 * 60_000

/** A fresh code of `digits` decimal digits, each equally likely. */
export const newCode = (digits: number): string => String(randomInt(10 ** digits)).padStart(digits, '0')

/** Challenges in Redis, one Lua script an operation. Throws `unavailable` when Redis does not answer in time. */
export function createChallengeStore({ secrets, ...options }: ChallengeStoreOptions): ChallengeStore {
  const { redis, keys } = options
  const scripts = createChallengeScripts(options)
  const load = async (id: string) => (idPattern.test(id) ? scripts.read(id) : undefined)
  const subjectOf = (id: string, { subject = '' }: Record): Subject => ({ shard: keys.shardOf(id), hash: subject })

  async function open(wanted: NewChallenge): Promise<Opened> {
    const { purpose, policy, limited, message } = wanted
    const subject = keys.subject(wanted.subject)
    const id = keys.newId(subject)
    const messageId = randomUUID()
    const send = { purpose, policy, limited, messageId }
    const silent = wanted.behind === undefined ? undefined : { ...send, subject: keys.subject(wanted.behind) }
    const quiet = silent !== undefined && !(await scripts.spend(silent))
    const fields = newRecord(wanted, { id, subjectHash: subject.hash, messageId, quiet, secrets })

    const isNotice = message.kind === 'account_exists'
    const [verdict, at, resendAt] = await scripts
      .open(id, { ...send, subject }, { isNotice, fields })
      .catch((error: unknown) => {
        // A Redis that was only slow, or whose answer was lost, has run the script: take it back behind it.
        void whenReady(redis, () => cancel({ id, messageId, purpose }, wanted, { refund: true }))
        throw error
      })
    if (verdict === 'cooling') {
      if (silent !== undefined) await scripts.refund(silent)
      return { verdict, retryAt: new Date(Number(at)) }
    }
    if (verdict !== 'opened') throw new Error(`open.4.lua returned ${verdict}`)
    const record = { ...fields, expiresAt: String(at), resendAt: String(resendAt) }
    return { verdict, challenge: knownChallenge(id, record, { expired: false }) }
  }

  async function cancel(
    { id, messageId, purpose }: Pick<KnownChallenge, 'id' | 'messageId' | 'purpose'>,
    wanted: NewChallenge,
    { refund }: { refund: boolean },
  ): Promise<void> {
    const send = { messageId, purpose }
    await scripts.cancel(id, { ...send, subject: keys.subject(wanted.subject) }, { refund })
    if (refund && wanted.behind !== undefined) await scripts.refund({ ...send, subject: keys.subject(wanted.behind) })
  }

  async function answer(id: string, code: string, face: string): Promise<Answered> {
    for (;;) {
      const record = (await load(id))?.record
      if (record?.mac === undefined || record.face !== face) return { verdict: 'gone' }
      const generation = Number(record.generation)
      const owner = randomUUID()
      // Opened before the claim: a box that cannot be opened must not hold the code.
      const message = secrets.openMessage(id, generation, record.box ?? '')
      const pending = secrets.openPending(id, record.pending ?? '')
      const mac = secrets.macOfGuess(id, generation, code, record.mac)
      const [verdict, detail] = await scripts.claim(id, subjectOf(id, record), { generation, mac, owner })
      if (verdict === 'changed') continue // a resend made a new code between our read and our claim
      if (verdict === 'claimed')
        return { verdict, claim: { ...claimOf(id, owner, record, message, pending), lapsed: detail === 1 } }
      if (verdict === 'wrong') {
        const behind = phoneBehind(record, message)
        // Not awaited: it would take longer where there is a phone.
        if (behind !== undefined) void scripts.countWrong(keys.subject(behind), owner).catch(() => undefined)
        return { verdict, attemptsLeft: Number(detail) }
      }
      if (verdict === 'limited') return { verdict, retryAt: new Date(Number(detail)) }
      if (verdict === 'held' || verdict === 'gone') return { verdict }
      throw new Error(`claim.2.lua returned ${verdict}`)
    }
  }

  async function resend(id: string, face: string, policy: ChallengePolicy, numbers: Numbers): Promise<Resent> {
    for (;;) {
      const record = (await load(id))?.record
      if (record?.box === undefined || record.face !== face) return { verdict: 'gone' }
      const generation = Number(record.generation)
      const before = secrets.openMessage(id, generation, record.box)
      const next: Message =
        before.kind === 'code' ? { ...before, code: numbers.codeFor(before.to, policy.codeDigits) } : before
      const limited = before.kind === 'decoy' || numbers.limited(before.to)
      const send = { purpose: purposeOf(record), policy, limited, messageId: randomUUID() }
      const behind = record.to === '' ? (phoneBehind(record, before) ?? nobodyBehind(record.subject ?? '')) : undefined
      const silent = behind === undefined ? undefined : { ...send, subject: keys.subject(behind) }
      const allowed = silent === undefined || (await scripts.spend(silent))
      // A notice is not repeated for the asking.
      const quiet = !allowed || before.kind === 'account_exists'
      const [mac, box] = [secrets.macOf(id, generation + 1, next), secrets.sealMessage(id, generation + 1, next)]
      const [verdict, at] = await scripts.resend(
        id,
        { ...send, subject: subjectOf(id, record) },
        { generation, mac, box, quiet },
      )
      if (verdict !== 'resent' && silent !== undefined && allowed) await scripts.refund(silent)
      if (verdict === 'changed') continue
      if (verdict === 'held' || verdict === 'gone') return { verdict }
      if (verdict === 'spent') return { verdict, retryAt: new Date(Number(at)) }
      const after = await read(id)
      if (after === undefined) return { verdict: 'gone' }
      if (verdict === 'cooling') return { verdict, retryAt: new Date(Number(at)), challenge: after }
      if (verdict === 'resent') return { verdict, challenge: after, takeBack: () => unsend(id, record, send, silent) }
      throw new Error(`resend.3.lua returned ${verdict}`)
    }
  }

  async function unsend(id: string, before: Record, send: Omit<Send, 'subject'>, silent: Send | undefined) {
    await scripts.unsend(id, { ...send, subject: subjectOf(id, before) }, resentFields(before))
    if (silent !== undefined) await scripts.refund(silent)
  }

  async function read(id: string): Promise<KnownChallenge | undefined> {
    const found = await load(id)
    if (found === undefined) return undefined
    const sinceEndMs = found.now - Number(found.record.expiresAt)
    return sinceEndMs > tombstoneMs ? undefined : knownChallenge(id, found.record, { expired: sinceEndMs >= 0 })
  }

  return {
    open,
    read,
    answer,
    resend,
    cancel,
    settle: ({ id, subject, purpose }) => scripts.settle(id, { shard: keys.shardOf(id), hash: subject }, purpose),
    release: ({ id, owner }) => scripts.release(id, owner),
  }
}

/** The name under which nobody's limits are kept, so that an unknown identifier takes the work of a known one. */
export const nobodyBehind = (identifier: string): string => `nobody:${identifier}`

/** The phone that a challenge for an identifier leads to, which its caller never named. */
function phoneBehind({ to }: Record, message: Message): string | undefined {
  return to === '' && message.kind === 'code' ? message.to : undefined
}

function claimOf(id: string, owner: string, record: Record, message: Message, pending: unknown): Omit<Claim, 'lapsed'> {
  if (message.kind !== 'code') throw new Error('a challenge without a code was answered')
  return {
    id,
    owner,
    purpose: purposeOf(record),
    face: record.face ?? '',
    phone: message.to,
    pending,
    subject: record.subject ?? '',
  }
}

/** Runs a call now or once Redis is back, once, whatever comes of it. */
async function whenReady(redis: Redis, call: () => Promise<void>): Promise<void> {
  if (redis.status !== 'ready') await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  await call().catch(() => undefined)
}
