import { randomUUID } from 'node:crypto'
import type { Redis } from '@latchkey/kit/redis'
import { type AddressDecoys, nobodysCount } from './address-decoys.js'
import type { AddressIndex } from './address-index.js'
import type { ChallengeStore, KnownChallenge, NewChallenge, Opened } from './challenge.js'
import type { ChallengeKeys, Subject } from './challenge-keys.js'
import { knownChallenge, newRecord, type Record, writeSubject } from './challenge-record.js'
import type { ChallengeScripts, LimitedSend } from './challenge-scripts.js'
import type { ChallengeSecrets } from './challenge-secrets.js'

interface OpeningDeps {
  readonly redis: Redis
  readonly keys: ChallengeKeys
  readonly secrets: ChallengeSecrets
  readonly scripts: ChallengeScripts
  readonly index: AddressIndex
  readonly decoys: AddressDecoys
}

/** How challenges begin: the challenge first, then the address that leads to it; a failure between the two takes both back. */
export function createChallengeOpening({
  redis,
  keys,
  secrets,
  scripts,
  index,
  decoys,
}: OpeningDeps): Pick<ChallengeStore, 'open' | 'cancel'> {
  const standIn = ({ found, message }: NewChallenge) =>
    found !== undefined && message.kind === 'decoy' ? decoys.idOf(found.address, found.client) : undefined

  const countedFor = (text: string, { known = false }: NewChallenge): Subject =>
    known ? keys.known(keys.subject(text)) : keys.subject(text)

  async function open(wanted: NewChallenge): Promise<Opened> {
    const { purpose, policy, limited, found } = wanted
    const named = keys.subject(wanted.subject)
    const subject = countedFor(wanted.subject, wanted)
    const decoy = standIn(wanted)
    const id = decoy ?? keys.newId(named)
    const messageId = randomUUID()
    const send = { purpose, policy, limited, messageId }
    const silent = wanted.behind === undefined ? undefined : { ...send, subject: countedFor(wanted.behind, wanted) }
    const quiet = silent !== undefined && !(await scripts.spend(silent))
    const address = found === undefined || decoy !== undefined ? undefined : keys.address(found.address)
    const fields = newRecord(wanted, {
      id,
      subjectHash: decoy === undefined ? named.hash : nobodysCount(messageId),
      messageId,
      quiet: quiet || wanted.quiet === true,
      address,
      secrets,
    })
    const opening = decoy === undefined ? openLive : openDecoy
    const opened = await opening(id, wanted, { ...send, subject }, fields).catch((error: unknown) => {
      // A Redis that was only slow, or whose answer was lost, has run the script: take it back behind it.
      void whenReady(redis, () => cancel({ id, messageId, purpose }, wanted, { refund: true }))
      throw error
    })
    if (opened.verdict === 'cooling' && silent !== undefined) await scripts.unspend(silent)
    return opened
  }

  async function openLive(id: string, wanted: NewChallenge, send: LimitedSend, fields: Record): Promise<Opened> {
    const { message, mayStayUnsent = false, found } = wanted
    const isNotice = message.kind === 'account_exists'
    const [verdict, at, expiresAt, resendAt, sent] = await scripts.open(id, send, { isNotice, mayStayUnsent, fields })
    if (verdict === 'cooling') return { verdict, retryAt: new Date(Number(at)) }
    if (verdict !== 'opened') throw new Error(`open.5.lua returned ${verdict}`)
    const times = { openedAt: String(at), expiresAt: String(expiresAt), resendAt: String(resendAt) }
    const record = { ...fields, ...times, ...(sent === 0 && { unsent: '1' }) }
    const challenge = knownChallenge(id, record, { expired: false })
    if (found !== undefined) await index.enter(id, found, challenge)
    return { verdict, challenge }
  }

  /** Its send is counted for what was typed, which stands in another slot than the decoy. */
  async function openDecoy(id: string, wanted: NewChallenge, send: LimitedSend, fields: Record): Promise<Opened> {
    const [verdict, at] = await scripts.takeSend(send)
    if (verdict === 'cooling') return { verdict, retryAt: new Date(Number(at)) }
    const resendAt = String(at)
    // Were its wrong answers nobody's, whoever counts them could tell it from a live one.
    const countsFor = writeSubject(send.subject)
    const lifeMs = wanted.policy.codeLifeSeconds * 1_000
    const times = await scripts.decoy(id, { lifeMs, anew: true, fields: { ...fields, resendAt, countsFor } })
    const record = { ...fields, openedAt: String(times[0]), expiresAt: String(times[1]), resendAt }
    return { verdict: 'opened', challenge: knownChallenge(id, record, { expired: false }) }
  }

  async function cancel(
    { id, messageId, purpose }: Pick<KnownChallenge, 'id' | 'messageId' | 'purpose'>,
    wanted: NewChallenge,
    { refund }: { refund: boolean },
  ): Promise<void> {
    const send = { messageId, purpose }
    const counted = { ...send, subject: countedFor(wanted.subject, wanted) }
    if (standIn(wanted) === undefined) {
      await scripts.cancel(id, counted, { refund })
    } else {
      if (refund) await scripts.refund(counted)
      await scripts.end(id, 'cancelled')
    }
    if (refund && wanted.behind !== undefined)
      await scripts.unspend({ ...send, subject: countedFor(wanted.behind, wanted) })
    if (wanted.found !== undefined) await index.leave(keys.address(wanted.found.address), id)
  }

  return { open, cancel }
}

/** Runs a call now or once Redis is back, once, whatever comes of it. */
async function whenReady(redis: Redis, call: () => Promise<void>): Promise<void> {
  if (redis.status !== 'ready') await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  await call().catch(() => undefined)
}
