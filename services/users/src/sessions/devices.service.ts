import type { SignedTokens } from '@latchkey/kit/signed-token'
import { v7 as uuidv7 } from 'uuid'
import type { Trx } from '../database.js'
import { insertDevice, supersedeDevice } from './devices.repository.js'

export interface Devices {
  /** A new device of the account. A good token of an earlier one is superseded by it; a bad token changes nothing and is no error. */
  register(trx: Trx, owner: { userId: string; presented: string | undefined }): Promise<string>
  /** The one token of a device, as often as it is asked for. */
  token(device: { id: string; keyId?: string }): string
}

const lifeMs = 180 * 24 * 3_600_000

export function createDevices({ tokens, now }: { tokens: SignedTokens; now: () => Date }): Devices {
  return {
    async register(trx, { userId, presented }) {
      const at = now()
      const earlier = presented === undefined ? undefined : tokens.open(presented)
      if (earlier !== undefined) await supersedeDevice(trx, { id: earlier.id, userId, at })
      const id = uuidv7()
      await insertDevice(trx, {
        id,
        user_id: userId,
        token_key_id: tokens.keyId,
        issued_at: at,
        expires_at: new Date(at.getTime() + lifeMs),
        superseded_at: null,
      })
      return id
    },
    token: ({ id, keyId }) => tokens.sign({ id, counter: 0 }, keyId),
  }
}
