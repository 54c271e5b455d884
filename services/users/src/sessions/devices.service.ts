import type { KnownBy } from '@latchkey/contracts/internal/owners'
import type { SignedTokens } from '@latchkey/kit/signed-token'
import type { Insertable } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { type Db, inBatches, type Trx } from '../database.js'
import {
  deleteExpired,
  expireDeviceOf,
  expireDevices,
  findDeviceOwner,
  findSessionOwner,
  supersedeDevice,
} from './devices.repository.js'
import type { DeviceTable } from './devices.table.js'

export interface Devices {
  /** A new device of the account, to be written with its session. A good token of an earlier one is superseded by it; a bad token changes nothing and is no error. */
  register(trx: Trx, owner: { userId: string; presented: string | undefined }): Promise<Insertable<DeviceTable>>
  /** No token of the account is good any more, but for that of a session that is to go on. */
  forget(trx: Trx, userId: string, butFor?: string): Promise<void>
  /** The token that a session was opened with is good no more. */
  forgetOf(trx: Trx, sessionId: string): Promise<void>
  /** The one token of a device, as often as it is asked for. */
  token(device: { id: string; keyId?: string }): string
  /**
   * The account that a caller's device token, or else his live session, belongs to. A superseded token is good for a day; a bad one is
   * as none, and asks no database where it is forged.
   */
  ownerOf(presented: KnownBy): Promise<string | undefined>
  /** Deletes devices that have been unknown for so long that no session refers to them; says how many. */
  sweep(): Promise<number>
}

const dayMs = 24 * 3_600_000
const lifeMs = 180 * dayMs
/** For whoever never got the next one: an answer that was lost, a tab that was open. */
const supersededMs = dayMs
/** Longer than a session is kept: whatever is found by its age has none any more, and is not looked at again and again. */
const keptMs = 61 * dayMs

export function createDevices({ db, tokens, now }: { db: Db; tokens: SignedTokens; now: () => Date }): Devices {
  return {
    async register(trx, { userId, presented }) {
      const at = now()
      const earlier = presented === undefined ? undefined : tokens.open(presented)
      if (earlier !== undefined) await supersedeDevice(trx, { id: earlier.id, userId, at })
      return {
        id: uuidv7(),
        user_id: userId,
        token_key_id: tokens.keyId,
        issued_at: at,
        expires_at: new Date(at.getTime() + lifeMs),
        superseded_at: null,
      }
    },
    forget: (trx, userId, butFor) => expireDevices(trx, userId, { at: now(), butFor }),
    forgetOf: (trx, sessionId) => expireDeviceOf(trx, sessionId, now()),
    token: ({ id, keyId }) => tokens.sign({ id, counter: 0 }, keyId),
    async ownerOf({ deviceToken, sessionId }) {
      const at = now()
      const named = deviceToken === undefined ? undefined : tokens.open(deviceToken)
      if (named !== undefined)
        return findDeviceOwner(db, { id: named.id, at, supersededAfter: new Date(at.getTime() - supersededMs) })
      return sessionId === undefined ? undefined : findSessionOwner(db, { id: sessionId, at })
    },
    sweep() {
      const before = new Date(now().getTime() - keptMs)
      return inBatches((most) => deleteExpired(db, { before, most }))
    },
  }
}
