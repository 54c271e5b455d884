import { createPrivateKey, createPublicKey, type JsonWebKey } from 'node:crypto'
import { type KeyRing, parseKeyRing } from '@latchkey/kit/key-ring'

/** A key pair that signs access tokens; PEM, as fast-jwt wants them. */
interface AccessKey {
  readonly id: string
  readonly privatePem: string
  readonly publicPem: string
  readonly jwk: JsonWebKey & { readonly kid: string; readonly alg: 'ES256'; readonly use: 'sig' }
}

/** ES256 keys by age: the first signs, all verify and are published (RFC 7517). */
export interface AccessKeys {
  readonly current: AccessKey
  find(id: string): AccessKey | undefined
  readonly jwks: { readonly keys: readonly AccessKey['jwk'][] }
}

/** Reads `id:base64(PKCS#8 DER),…`. Throws where a key is not a P-256 private key. */
export function parseAccessKeys(text: string): AccessKeys {
  const ring: KeyRing = parseKeyRing(text)
  const [current, ...old] = ring
  const keys = [readKey(current), ...old.map(readKey)] as const
  return {
    current: keys[0],
    find: (id) => keys.find((key) => key.id === id),
    jwks: { keys: keys.map(({ jwk }) => jwk) },
  }
}

function readKey({ id, secret }: KeyRing[number]): AccessKey {
  const key = createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' })
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error(`key ${id} is not a P-256 key`)
  const publicKey = createPublicKey(key)
  const { kty = 'EC', crv = 'P-256', x = '', y = '' } = publicKey.export({ format: 'jwk' })
  return {
    id,
    privatePem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    jwk: { kty, crv, x, y, kid: id, alg: 'ES256', use: 'sig' },
  }
}
