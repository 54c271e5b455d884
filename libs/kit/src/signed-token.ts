import { timingSafeEqual } from 'node:crypto'
import { hmac, type Key, type KeyRing } from './key-ring.js'

export interface TokenSubject {
  /** A UUID. */
  readonly id: string
  /** 0 … 2³²−1. */
  readonly counter: number
}

/** Tokens that prove themselves: a UUID and a counter under a MAC, so that a forged one is refused without asking any store. */
export interface SignedTokens {
  /** The key new tokens are signed with. */
  readonly keyId: string
  /** The same subject and key always give the same token. A `keyId` that has left the ring falls back to the current key. */
  sign(subject: TokenSubject, keyId?: string): string
  /** What a token names; undefined where it is malformed or not ours. Every token has one spelling only. */
  open(token: string): TokenSubject | undefined
}

const macAt = 20
const keyIdAt = macAt + 32

/** `prefix` says what a token is for and is part of the MAC: a token of one kind never opens as another. */
export function createSignedTokens(ring: KeyRing, { prefix }: { prefix: string }): SignedTokens {
  const [current] = ring
  const byId = (id: string) => ring.find((key) => key.id === id)
  const macOf = (key: Key, subject: Buffer) => hmac(key, 'signed-token', prefix, key.id, subject)

  return {
    keyId: current.id,
    sign({ id, counter }, keyId = current.id) {
      const key = byId(keyId) ?? current
      const subject = Buffer.alloc(macAt)
      subject.write(id.replaceAll('-', ''), 'hex')
      subject.writeUInt32BE(counter, 16)
      return prefix + Buffer.concat([subject, macOf(key, subject), Buffer.from(key.id)]).toString('base64url')
    },
    open(token) {
      if (!token.startsWith(prefix)) return undefined
      const bytes = Buffer.from(token.slice(prefix.length), 'base64url')
      // Decoders skip stray characters and spare bits; whoever compares or stores tokens must not meet two spellings of one.
      if (bytes.length <= keyIdAt || prefix + bytes.toString('base64url') !== token) return undefined
      const key = byId(bytes.toString('utf8', keyIdAt))
      const subject = bytes.subarray(0, macAt)
      if (key === undefined || !timingSafeEqual(macOf(key, subject), bytes.subarray(macAt, keyIdAt))) return undefined
      return { id: uuid(subject.toString('hex', 0, 16)), counter: subject.readUInt32BE(16) }
    },
  }
}

const uuid = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
