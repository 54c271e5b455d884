import { randomInt, randomUUID } from 'node:crypto'
import { orUnavailable } from '@latchkey/kit/redis'
import { redisScript } from '@latchkey/kit/redis-script'
import type { Redis } from 'ioredis'
import type {
  Answered,
  ChallengeStore,
  Claim,
  KnownChallenge,
  Message,
  NewChallenge,
  Opened,
  Resent,
} from './challenge.js'
import type { ChallengePolicy } from '../flows/policy.js'
import type { ChallengeKeys } from './challenge-keys.js'
import { knownChallenge, newRecord, purposeOf, type Record, toRecord } from './challenge-record.js'
import type { ChallengeSecrets } from './challenge-secrets.js'

export interface ChallengeStoreOptions {
  readonly redis: Redis
  readonly keys: ChallengeKeys
  readonly secrets: ChallengeSecrets
  /** Sends and wrong answers per phone, over all purposes. */
  readonly budgets: {
    readonly sendsPerHour: number
    readonly sendsPerDay: number
    readonly wrongPerHour: number
    readonly wrongPerDay: number
  }
  /** 0 in production; tests move it instead of sleeping. */
  readonly clockOffsetMs: () => number
}

type Script = [verdict: string, ...rest: (string | number)[]]

const idPattern = /^[0-9a-f]{3}\.[0-9a-f]{32}$/
const claimLeaseMs = 5_000
const tombstoneMs = 15 * 60_000

/** A fresh code of `digits` decimal digits, each equally likely. */
export const newCode = (digits: number): string => String(randomInt(10 ** digits)).padStart(digits, '0')

/** Challenges in Redis, one Lua script an operation. Throws `unavailable` when Redis does not answer within a second. */
export function createChallengeStore({
  redis,
  keys,
  secrets,
  budgets,
  clockOffsetMs,
}: ChallengeStoreOptions): ChallengeStore {
  function script<Reply = Script>(name: string): (...args: readonly (string | number)[]) => Promise<Reply> {
    const call = redisScript<Reply>(redis, new URL(`./lua/${name}.lua`, import.meta.url))
    return (...args) => orUnavailable(() => call(...args))
  }
  const lua = {
    open: script('open.4'),
    cancel: script('cancel.3'),
    read: script<string[]>('read.1'),
    claim: script('claim.2'),
    settle: script('settle.2'),
    release: script('release.1'),
    resend: script('resend.3'),
  }

  const sendLimits = (policy: ChallengePolicy, limited: boolean) =>
    [
      clockOffsetMs(),
      budgets.sendsPerHour,
      budgets.sendsPerDay,
      limited ? policy.cooldownsSeconds.map((seconds) => seconds * 1_000).join(',') : '',
    ] as const

  async function load(id: string): Promise<{ now: number; record: Record } | undefined> {
    if (!idPattern.test(id)) return undefined
    const [now, ...pairs] = await lua.read(keys.challenge(id), clockOffsetMs())
    return pairs.length === 0 ? undefined : { now: Number(now), record: toRecord(pairs) }
  }

  async function open(wanted: NewChallenge): Promise<Opened> {
    const { purpose, policy } = wanted
    const id = keys.newId(wanted.subject)
    const subject = keys.hashOf(wanted.subject)
    const messageId = randomUUID()
    const { fields, notice } = newRecord(wanted, { id, subject, messageId, secrets })
    const opened = lua.open(
      keys.challenge(id),
      keys.sends(id, subject),
      keys.ladder(id, subject, purpose),
      keys.notice(id, subject),
      ...sendLimits(policy, wanted.limited),
      policy.codeLifeSeconds * 1_000,
      messageId,
      notice,
      ...Object.entries(fields).flat(),
    )
    const [verdict, at, resendAt] = await opened.catch((error: unknown) => {
      // A Redis that was only slow will still run the script: take it back behind it, on the same connection.
      void cancel({ id, messageId, purpose }, subject).catch(() => undefined)
      throw error
    })
    if (verdict === 'cooling') return { verdict, retryAt: new Date(Number(at)) }
    if (verdict !== 'opened') throw new Error(`open.4.lua returned ${verdict}`)
    const record = { ...fields, expiresAt: String(at), resendAt: String(resendAt) }
    return { verdict, challenge: knownChallenge(id, record, { expired: false }) }
  }

  async function cancel(
    { id, messageId, purpose }: Pick<KnownChallenge, 'id' | 'messageId' | 'purpose'>,
    subject: string,
  ): Promise<void> {
    await lua.cancel(keys.challenge(id), keys.sends(id, subject), keys.ladder(id, subject, purpose), messageId)
  }

  async function answer(id: string, code: string, face: string): Promise<Answered> {
    for (;;) {
      const found = await load(id)
      if (found === undefined || found.record.face !== face || found.record.mac === undefined)
        return { verdict: 'gone' }
      const { record } = found
      const owner = randomUUID()
      const generation = Number(record.generation)
      const [verdict, detail] = await lua.claim(
        keys.challenge(id),
        keys.wrong(id, record.subject ?? ''),
        clockOffsetMs(),
        generation,
        secrets.macOfGuess(id, generation, code, record.mac ?? ''),
        owner,
        claimLeaseMs,
        budgets.wrongPerHour,
        budgets.wrongPerDay,
      )
      if (verdict === 'changed') continue // a resend made a new code between our read and our claim
      if (verdict === 'claimed') return { verdict, claim: claimOf(id, owner, record) }
      if (verdict === 'wrong') return { verdict, attemptsLeft: Number(detail) }
      if (verdict === 'limited') return { verdict, retryAt: new Date(Number(detail)) }
      if (verdict === 'held' || verdict === 'gone') return { verdict }
      throw new Error(`claim.2.lua returned ${verdict}`)
    }
  }

  function claimOf(id: string, owner: string, record: Record): Claim {
    const message = secrets.openMessage(id, Number(record.generation), record.box ?? '')
    if (message.kind !== 'code') throw new Error('a challenge without a code was answered')
    return {
      id,
      owner,
      purpose: purposeOf(record),
      face: record.face ?? '',
      phone: message.to,
      pending: secrets.openPending(id, record.pending ?? ''),
      subject: record.subject ?? '',
    }
  }

  async function resend(
    id: string,
    face: string,
    policy: ChallengePolicy,
    limited: Parameters<ChallengeStore['resend']>[3],
  ): Promise<Resent> {
    for (;;) {
      const found = await load(id)
      if (found === undefined || found.record.face !== face || found.record.box === undefined)
        return { verdict: 'gone' }
      const { record } = found
      const subject = record.subject ?? ''
      const generation = Number(record.generation)
      const before = secrets.openMessage(id, generation, record.box ?? '')
      const next: Message = before.kind === 'code' ? { ...before, code: newCode(policy.codeDigits) } : { kind: 'decoy' }
      const [verdict, at] = await lua.resend(
        keys.challenge(id),
        keys.sends(id, subject),
        keys.ladder(id, subject, purposeOf(record)),
        ...sendLimits(policy, before.kind === 'decoy' || limited(before.to)),
        generation,
        randomUUID(),
        secrets.macOf(id, generation + 1, next),
        secrets.sealMessage(id, generation + 1, next),
        // A notice is not repeated for the asking.
        before.kind === 'account_exists' ? secrets.sealMessage(id, generation, next) : '',
        policy.resend,
      )
      if (verdict === 'changed') continue
      if (verdict === 'held' || verdict === 'gone') return { verdict }
      if (verdict === 'spent') return { verdict, retryAt: new Date(Number(at)) }
      const after = await read(id)
      if (after === undefined) return { verdict: 'gone' }
      if (verdict === 'cooling') return { verdict, retryAt: new Date(Number(at)), challenge: after }
      if (verdict === 'resent') return { verdict, challenge: after }
      throw new Error(`resend.3.lua returned ${verdict}`)
    }
  }

  async function read(id: string): Promise<KnownChallenge | undefined> {
    const found = await load(id)
    if (found === undefined || found.now > Number(found.record.expiresAt) + tombstoneMs) return undefined
    return knownChallenge(id, found.record, { expired: Number(found.record.expiresAt) <= found.now })
  }

  return {
    open,
    read,
    answer,
    resend,
    cancel: (challenge, subject) => cancel(challenge, keys.hashOf(subject)),
    async settle({ id, subject, purpose }) {
      await lua.settle(keys.challenge(id), keys.ladder(id, subject, purpose))
    },
    async release({ id, owner }) {
      await lua.release(keys.challenge(id), owner)
    },
  }
}
