import { createHmac } from 'node:crypto'

export interface Key {
  readonly id: string
  readonly secret: Buffer
}

/** Keys by age: the first signs and seals, all of them verify and open. */
export type KeyRing = readonly [current: Key, ...old: Key[]]

/** What a variable that holds a ring looks like, for config schemas. */
export const keyRingPattern = '^[A-Za-z0-9_-]{1,16}:[A-Za-z0-9+/_=-]+(,[A-Za-z0-9_-]{1,16}:[A-Za-z0-9+/_=-]+)*$'

/** Parses `id:base64,id:base64,…`, newest first. Throws where a key is not of the length asked for, or an id is repeated. */
export function parseKeyRing(text: string, { leastBytes = 32, mostBytes = Number.POSITIVE_INFINITY } = {}): KeyRing {
  const keys = text.split(',').map((part) => {
    const at = part.indexOf(':')
    return { id: part.slice(0, at), secret: Buffer.from(part.slice(at + 1), 'base64') }
  })
  for (const { id, secret } of keys) {
    if (secret.length < leastBytes) throw new Error(`key ${id} is shorter than ${leastBytes} bytes`)
    if (secret.length > mostBytes) throw new Error(`key ${id} is longer than ${mostBytes} bytes`)
  }
  const [current, ...old] = keys
  if (current === undefined || new Set(keys.map(({ id }) => id)).size !== keys.length)
    throw new Error('a key ring needs keys with different ids')
  return [current, ...old]
}

/** What a variable that holds exactly one key looks like. */
export const keyPattern = '^[A-Za-z0-9_-]{1,16}:[A-Za-z0-9+/_=-]+$'

/** A ring whose keys seal: AES-256 takes 32 bytes, no more and no fewer. */
export const parseSealKeys = (text: string): KeyRing => parseKeyRing(text, { leastBytes: 32, mostBytes: 32 })

/** Keyed hash of parts that cannot run into each other: `['ab','c']` and `['a','bc']` differ. */
export function hmac(key: Key, ...parts: readonly (string | Buffer)[]): Buffer {
  const hash = createHmac('sha256', key.secret)
  for (const part of parts) {
    const bytes = Buffer.isBuffer(part) ? part : Buffer.from(part, 'utf8')
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length).update(bytes)
  }
  return hash.digest()
}
