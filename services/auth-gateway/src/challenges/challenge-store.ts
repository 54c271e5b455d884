import { randomInt, randomUUID } from 'node:crypto'
import { wrongOf } from '@latchkey/contracts/challenge-record'
import type { ChallengePolicy } from '../flows/policy.js'
import { createAddressDecoys, nobodyBehind } from './address-decoys.js'
import { createAddressIndex } from './address-index.js'
import type {
  Answered,
  Answering,
  ChallengeStore,
  FoundBy,
  KnownChallenge,
  Message,
  Numbers,
  Resent,
} from './challenge.js'
import type { Subject } from './challenge-keys.js'
import { createChallengeOpening } from './challenge-opening.js'
import {
  addressOf,
  claimOf,
  countsFor,
  knownChallenge,
  purposeOf,
  resentFields,
  type Record,
  stateFor,
} from './challenge-record.js'
import { createChallengeScripts, type ScriptOptions, type Send } from './challenge-scripts.js'
import type { ChallengeSecrets } from './challenge-secrets.js'
import { createLastPairs } from './last-pairs.js'

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
  const index = createAddressIndex({ scripts, keys })
  const decoys = createAddressDecoys({ scripts, keys, secrets })
  const load = async (id: string) => (idPattern.test(id) ? scripts.read(id) : undefined)
  const asKnown = (subject: Subject, known: boolean): Subject => (known ? keys.known(subject) : subject)
  const countedFor = (id: string, { subject = '' }: Record, known: boolean): Subject =>
    asKnown({ shard: keys.shardOf(id), hash: subject }, known)
  const { open, cancel } = createChallengeOpening({ redis, keys, secrets, scripts, index, decoys })

  async function answer(id: string, code: string, face: string, by: Answering = {}): Promise<Answered> {
    const { client } = by
    for (;;) {
      const { now, record } = (await load(id)) ?? { now: 0, record: {} }
      if (record.face !== face) return { verdict: 'gone' }
      if (record.mac === undefined) {
        const exhausted = client !== undefined && record.state === 'exhausted' && now < Number(record.expiresAt)
        return { verdict: exhausted ? 'exhausted' : 'gone' }
      }
      const generation = Number(record.generation)
      const owner = randomUUID()
      // Opened before the claim: a box that cannot be opened must not hold the code.
      const message = secrets.openMessage(id, generation, record.box ?? '')
      const pending = secrets.openPending(id, record.pending ?? '')
      const mac = secrets.macOfGuess(id, generation, code, record.mac)
      const wrongField = client === undefined ? '' : wrongOf(client.network)
      const known = await isKnown(record, message, by)
      const elsewhere = countsFor(record)
      // Asked for live ones too, which their claim asks again: the work must be the same.
      const openAt = client && (await scripts.wrongRoom(elsewhere ?? countedFor(id, record, known)))
      if (client !== undefined && openAt !== 0 && stateFor(client.network, record) === 'live')
        return { verdict: 'limited', retryAt: new Date(Number(openAt)), budget: known ? 'known_device' : 'phone' }
      const counted = known ? undefined : await by.count?.()
      if (counted?.verdict === 'limited') return counted
      const subject = countedFor(id, record, known)
      const behind = behindName(record, message)
      const giveBack = () => void counted?.giveBack().catch(() => undefined)
      const claiming = scripts.claim(id, subject, { generation, mac, owner, wrongField })
      const [verdict, detail] = await claiming.catch((error: unknown) => {
        giveBack()
        throw error
      })
      if (verdict !== 'wrong') giveBack()
      if (verdict === 'changed') continue // a resend made a new code between our read and our claim
      if (verdict === 'claimed')
        return {
          verdict,
          claim: {
            ...claimOf(id, owner, record, { message, pending }),
            subject: subject.hash,
            behind,
            lapsed: detail === 1,
          },
        }
      if (verdict === 'wrong') {
        if (elsewhere !== undefined) void scripts.countWrong(elsewhere, owner).catch(() => undefined)
        // Not awaited, nor left out where nobody is behind: either would show in the time that answers take.
        if (behind !== undefined)
          void scripts.countWrong(keys.behind(asKnown(keys.subject(behind), known)), owner).catch(() => undefined)
        return { verdict, attemptsLeft: Number(detail) }
      }
      if (verdict === 'limited')
        return { verdict, retryAt: new Date(Number(detail)), budget: known ? 'known_device' : 'phone' }
      if (verdict === 'held' || verdict === 'gone' || verdict === 'exhausted') return { verdict }
      throw new Error(`claim.2.lua returned ${verdict}`)
    }
  }

  async function resend(
    id: string,
    face: string,
    policy: ChallengePolicy,
    numbers: Numbers,
    found?: FoundBy,
  ): Promise<Resent> {
    const typed = found?.typed
    for (;;) {
      const record = (await load(id))?.record
      if (record?.box === undefined || record.face !== face) return { verdict: 'gone' }
      const known = found?.known ?? record.known === '1'
      const generation = Number(record.generation)
      const before = secrets.openMessage(id, generation, record.box)
      const next: Message =
        before.kind === 'code' ? { ...before, code: numbers.codeFor(before.to, policy.codeDigits) } : before
      const purpose = purposeOf(record)
      const limited = before.kind === 'decoy' ? typed === undefined : numbers.limited(before.to)
      const send = { purpose, policy, limited, messageId: randomUUID() }
      const asTyped = typed && { ...send, limited: typed.limited, subject: keys.subject(typed.identifier) }
      if (asTyped !== undefined) {
        const [taken, at] = await scripts.takeSend(asTyped)
        if (taken === 'cooling') return cooling(id, at)
      }
      const behind = behindName(record, before)
      const silent = behind === undefined ? undefined : { ...send, subject: asKnown(keys.subject(behind), known) }
      const allowed = silent === undefined || (await scripts.spend(silent))
      // A notice is not repeated for the asking.
      const quiet = !allowed || before.kind === 'account_exists' || found?.quiet === true
      const [mac, box] = [secrets.macOf(id, generation + 1, next), secrets.sealMessage(id, generation + 1, next)]
      const counted = { ...send, subject: countedFor(id, record, known) }
      const [verdict, at] = await scripts.resend(id, counted, { generation, mac, box, quiet })
      if (verdict !== 'resent') {
        if (silent !== undefined && allowed) await scripts.unspend(silent)
        if (asTyped !== undefined) await scripts.refund(asTyped)
      }
      if (verdict === 'changed') continue
      if (verdict === 'held' || verdict === 'gone') return { verdict }
      if (verdict === 'spent') return { verdict, retryAt: new Date(Number(at)) }
      if (verdict === 'cooling') return cooling(id, at, addressOf(record))
      if (verdict !== 'resent') throw new Error(`resend.4.lua returned ${verdict}`)
      const challenge = await sentAt(id, addressOf(record))
      if (challenge === undefined) return { verdict: 'gone' }
      const takeBack = () => unsend(id, record, counted, { silent, asTyped })
      return { verdict, challenge, takeBack }
    }
  }

  async function unsend(
    id: string,
    before: Record,
    send: Send,
    { silent, asTyped }: { readonly silent: Send | undefined; readonly asTyped: Send | undefined },
  ): Promise<void> {
    await scripts.unsend(id, send, resentFields(before))
    if (silent !== undefined) await scripts.unspend(silent)
    if (asTyped !== undefined) await scripts.refund(asTyped)
  }

  /** A challenge after a send, which its address is told of. */
  async function sentAt(id: string, address?: Subject): Promise<KnownChallenge | undefined> {
    const challenge = await read(id)
    if (address !== undefined && challenge?.sent) await index.markSent(address, id, challenge.expiresAt)
    return challenge
  }

  async function cooling(id: string, at: string | number | undefined, address?: Subject): Promise<Resent> {
    const challenge = await read(id)
    // Told again, should it have been lost. Not awaited: it would take longer where there is an account.
    if (address !== undefined && challenge?.sent)
      void index.markSent(address, id, challenge.expiresAt).catch(() => undefined)
    return challenge === undefined
      ? { verdict: 'gone' }
      : { verdict: 'cooling', retryAt: new Date(Number(at)), challenge }
  }

  async function read(id: string): Promise<KnownChallenge | undefined> {
    const found = await load(id)
    if (found === undefined) return undefined
    const sinceEndMs = found.now - Number(found.record.expiresAt)
    return sinceEndMs > tombstoneMs ? undefined : knownChallenge(id, found.record, { expired: sinceEndMs >= 0 })
  }

  async function codeOf(id: string): Promise<string | undefined> {
    const found = await load(id)
    const { box, expiresAt, generation } = found?.record ?? {}
    if (found === undefined || box === undefined || found.now >= Number(expiresAt)) return undefined
    const message = secrets.openMessage(id, Number(generation), box)
    return message.kind === 'code' ? message.code : undefined
  }

  return {
    open,
    read,
    answer,
    resend,
    cancel,
    codeOf,
    candidates: async (address, client) => (await index.lookUp(address, client)).candidates,
    decoy: decoys.ensure,
    async sendable(address, client) {
      const id = decoys.idOf(address, client)
      const { candidates, beside } = await index.lookUp(address, client, id)
      return { candidates, decoy: decoys.canBeSent(address, client, beside) ? id : undefined }
    },
    ...createLastPairs({ scripts, keys }),
    async settle({ id, openedFor: { hash, known }, behind, purpose, address }) {
      await scripts.settle(id, { subject: { shard: keys.shardOf(id), hash }, known }, purpose)
      if (behind !== undefined) await scripts.clearBehind({ subject: keys.subject(behind), known }, purpose)
      if (address !== undefined) await index.leave(address, id)
    },
    release: ({ id, owner }) => scripts.release(id, owner),
    refuse: ({ id, subject, owner }) => scripts.refuse(id, { shard: keys.shardOf(id), hash: subject }, owner),
  }
}

/** Whoever holds the id of a challenge that a device of the account opened is that device; anybody can find one by an address. */
async function isKnown(record: Record, message: Message, { client, knows }: Answering): Promise<boolean> {
  if (client === undefined && record.known === '1') return true
  if (knows === undefined) return false
  return knows(message.kind === 'code' ? message.to : null, purposeOf(record))
}

/** Whose limits hold silently beside those of a name that was typed: the phone behind it, or nobody's. */
function behindName({ to, subject = '', attemptsPerClient }: Record, message: Message): string | undefined {
  // What stands in for an address counts for what was typed, or for nobody.
  if (to !== '' || attemptsPerClient !== undefined) return undefined
  return message.kind === 'code' ? message.to : nobodyBehind(subject)
}
