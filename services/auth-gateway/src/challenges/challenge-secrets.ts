import { randomBytes } from 'node:crypto'
import { ChallengeMessage, messageContext, pendingContext } from '@latchkey/contracts/challenge-record'
import { hmac, type KeyRing } from '@latchkey/kit/key-ring'
import type { Sealer } from '@latchkey/kit/seal'
import { Compile } from 'typebox/compile'
import type { Message } from './challenge.js'

const isMessage = Compile(ChallengeMessage)

/** What a Redis dump must not tell: codes, phones, and data that waits for a proof. */
export interface ChallengeSecrets {
  /** MAC of a code, bound to challenge and generation; of nothing at all for a message without a code. */
  macOf(id: string, generation: number, message: Message): string
  /** MAC of a guess, by the key that made `mac`. */
  macOfGuess(id: string, generation: number, code: string, mac: string): string
  sealMessage(id: string, generation: number, message: Message): string
  openMessage(id: string, generation: number, box: string): Message
  sealPending(id: string, pending: unknown): string
  openPending(id: string, box: string): unknown
}

export function createChallengeSecrets({ codeKeys, sealer }: { codeKeys: KeyRing; sealer: Sealer }): ChallengeSecrets {
  const mac = (key: KeyRing[number], id: string, generation: number, code: string) =>
    `${key.id}.${hmac(key, 'code', id, String(generation), code).toString('hex')}`
  return {
    macOf(id, generation, message) {
      const [key] = codeKeys
      // A decoy looks like the rest and is equal to nothing.
      return message.kind === 'code'
        ? mac(key, id, generation, message.code)
        : `${key.id}.${randomBytes(32).toString('hex')}`
    },
    macOfGuess(id, generation, code, stored) {
      const keyId = stored.split('.', 1)[0]
      const key = codeKeys.find((candidate) => candidate.id === keyId) ?? codeKeys[0]
      return mac(key, id, generation, code)
    },
    sealMessage: (id, generation, message) => sealer.seal(JSON.stringify(message), messageContext(id, generation)),
    openMessage(id, generation, box) {
      const message: unknown = JSON.parse(sealer.open(box, messageContext(id, generation)))
      if (!isMessage.Check(message)) throw new Error('a challenge holds a message of an unknown kind')
      return message
    },
    sealPending: (id, pending) =>
      pending === undefined ? '' : sealer.seal(JSON.stringify(pending), pendingContext(id)),
    openPending: (id, box) => (box === '' ? undefined : (JSON.parse(sealer.open(box, pendingContext(id))) as unknown)),
  }
}
