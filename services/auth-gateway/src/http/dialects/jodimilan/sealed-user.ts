import { createCipheriv, randomBytes } from 'node:crypto'
import type { User } from '@latchkey/contracts/v1/shapes'

/** The id that this API prints beside the number. */
export const rytId = ({ number }: Pick<User, 'number'>): string => `RYT${number}`

/**
 * A person as base64 of iv (12 bytes), tag (16 bytes) and AES-256-GCM of the JSON. The document has every front end hold the
 * key, so this keeps nothing from anybody who has the app: it is obfuscation, and no secret may stand in it.
 */
export function sealUser(user: User, key: Buffer): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const sealed = Buffer.concat([cipher.update(JSON.stringify(shown(user)), 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
}

const shown = (user: User) => ({
  ...user.profile,
  user_id: user.number,
  ryt_id: rytId(user),
  name: user.profile['first_name'] ?? user.name,
  email: user.email,
  phone: user.phone,
  phone_verified: user.phoneVerified,
  created_at: user.createdAt,
  updated_at: user.updatedAt,
})
