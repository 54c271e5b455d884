import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { replaceKeyFile } from './key-file.js'

const keyId = () => `k${randomBytes(5).toString('hex')}`
const ring = () => `${keyId()}:${randomBytes(32).toString('base64')}`

function accessTokenKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return `${keyId()}:${privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')}`
}

/** Rings whose keys can be changed while everybody stays signed in. The other keys name things, and are for good. */
export const ringNames = ['ACCESS_TOKEN_KEYS', 'TOKEN_KEYS', 'SEAL_KEYS', 'CODE_KEYS'] as const
export type RingName = (typeof ringNames)[number]

const makers = {
  INTERNAL_SECRET: () => randomBytes(32).toString('base64url'),
  TOKEN_KEYS: ring,
  SEAL_KEYS: ring,
  CODE_KEYS: ring,
  CHALLENGE_ID_KEY: ring,
  INDEX_KEY: ring,
  OPT_OUT_KEY: ring,
  TRACE_KEY: ring,
  ACCESS_TOKEN_KEYS: accessTokenKey,
  JODIMILAN_USER_KEY: () => randomBytes(32).toString('base64'),
} as const

/** A new key of a ring, as `id:base64`. */
export const makeKey = (ring: RingName): string => makers[ring]()

export type Keys = Readonly<Record<keyof typeof makers, string>>

/** A fresh value for every key and secret that the services need. */
export const generateKeys = (): Keys =>
  Object.fromEntries(Object.entries(makers).map(([name, make]) => [name, make()])) as Keys

/** Those, and the password of the dashboard, which development has and production only where somebody sets one. */
export type DevelopmentKeys = Keys & { readonly BOARD_PASSWORD: string }

/** The development keys of a data folder: made on the first start, completed where a newer version needs more, never replaced. */
export function keepKeys(dir: string): DevelopmentKeys {
  const file = join(dir, 'keys.env')
  const kept = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
  const keys = { ...generateKeys(), BOARD_PASSWORD: randomBytes(18).toString('base64url'), ...kept }
  if (Object.keys(keys).length > Object.keys(kept).length) {
    const lines = Object.entries(keys).map(([name, value]) => `${name}=${value}\n`)
    replaceKeyFile(file, `# Development keys, made by npm start.\n${lines.join('')}`)
  }
  return keys
}
