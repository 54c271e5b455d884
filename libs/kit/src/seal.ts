import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { KeyRing } from './key-ring.js'

/** AES-256-GCM with key rotation. `context` is authenticated but not stored: a box opens only where it was sealed for. */
export interface Sealer {
  seal(plain: string, context: string): string
  /** Throws without quoting the box when it is malformed, moved, altered, or its key is retired. */
  open(box: string, context: string): string
}

/** Seals with the first key of the ring, opens with the one the box names. Keys are 32 bytes. */
export function createSealer(ring: KeyRing): Sealer {
  return {
    seal(plain, context) {
      const [key] = ring
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key.secret, iv).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return [
        key.id,
        iv.toString('base64url'),
        cipher.getAuthTag().toString('base64url'),
        body.toString('base64url'),
      ].join('.')
    },
    open(box, context) {
      const [id, iv, tag, body] = box.split('.')
      const key = ring.find((candidate) => candidate.id === id)
      if (key === undefined || iv === undefined || tag === undefined || body === undefined) {
        throw new Error('a sealed box is malformed or its key is retired')
      }
      const authTag = Buffer.from(tag, 'base64url')
      // A shorter tag would be accepted by Node and is easier to forge.
      if (authTag.length !== 16) throw new Error('a sealed box has a short tag')
      const decipher = createDecipheriv('aes-256-gcm', key.secret, Buffer.from(iv, 'base64url'))
        .setAAD(Buffer.from(context))
        .setAuthTag(authTag)
      return decipher.update(Buffer.from(body, 'base64url'), undefined, 'utf8') + decipher.final('utf8')
    },
  }
}
