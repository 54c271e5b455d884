import { randomUUID } from 'node:crypto'
import jwt, { type TokenOrHeader } from '@fastify/jwt'
import { AppError } from '@latchkey/kit/app-error'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { AccessKeys } from '../../access-token.js'
import type { OpenSession } from '../../flows/session.js'
import { type CheckedTokens, createCheckedTokens } from './checked-tokens.js'

interface AccessTokenOptions {
  readonly keys: AccessKeys
  readonly issuer: string
  readonly lifeSeconds: number
}

interface TokenTerms {
  /** The configured life of /v1's tokens where a face has none of its own. */
  readonly lifeSeconds?: number
  /** What the token opens, where that is less than everything: it tells others who check tokens, our own routes ask users. */
  readonly scope?: string
  /** What the documents of a face put into its tokens beside our own claims. */
  readonly claims?: Readonly<Record<string, unknown>>
}

declare module 'fastify' {
  interface FastifyInstance {
    /** A short proof of a session for one face (RFC 9068). */
    issueAccessToken(
      session: Pick<OpenSession, 'id' | 'userId'>,
      face: string,
      terms?: TokenTerms,
    ): { accessToken: string; expiresIn: number; expiresAt: Date }
  }
  interface FastifyRequest {
    /** Whose session the Bearer token of this request names. Throws `token.invalid`, whatever is wrong with it. */
    accessClaims(face: string): Promise<{ userId: string; sessionId: string }>
  }
}

const Claims = Type.Object({
  sub: Type.String({ format: 'uuid' }),
  sid: Type.String({ format: 'uuid' }),
  aud: Type.String(),
  exp: Type.Integer(),
})
type Claims = Static<typeof Claims>
const areClaims = Compile(Claims)

const algorithm = 'ES256'
const type = 'at+jwt'

/** Nothing else: no key, no address of one, nothing critical that we would not know of (RFC 8725 §3.10, RFC 7515 §4.1.11). */
const Header = Type.Object(
  { alg: Type.Literal(algorithm), typ: Type.Literal(type), kid: Type.String() },
  { additionalProperties: false },
)
const isHeader = Compile(Header)
const longestToken = 4_096

/** Signs and checks access tokens. The algorithm is ours, not the token's; every refusal is 401, where the library says 500 for some. */
export const accessToken = fp<AccessTokenOptions>(async function accessTokenPlugin(app, { keys, issuer, lifeSeconds }) {
  await app.register(jwt, {
    secret: {
      private: keys.current.privatePem,
      public: async (_request: FastifyRequest, token: TokenOrHeader) => {
        const { kid } = ('header' in token ? token.header : token) as { kid?: unknown }
        const key = typeof kid === 'string' ? keys.find(kid) : undefined
        if (key === undefined) throw new AppError('token.invalid')
        return key.publicPem
      },
    },
    decode: { complete: true },
    sign: {
      algorithm,
      iss: issuer,
      kid: keys.current.id,
      header: { typ: type } as never,
    },
    verify: {
      algorithms: [algorithm],
      allowedIss: issuer,
      requiredClaims: ['iss', 'exp', 'iat', 'aud', 'sub', 'sid', 'jti'],
      cache: false,
    },
  })

  app.decorate('issueAccessToken', ({ userId, id }, face, { lifeSeconds: life = lifeSeconds, scope, claims } = {}) => {
    const iat = Math.floor(Date.now() / 1_000)
    const exp = iat + life
    // Without options of its own: with any, the library would read the key anew for every token.
    const accessToken = app.jwt.sign({
      ...claims,
      iat,
      exp,
      sub: userId,
      sid: id,
      aud: face,
      jti: randomUUID(),
      ...(scope !== undefined && { scope }),
    })
    return { accessToken, expiresIn: life, expiresAt: new Date(exp * 1_000) }
  })

  const checked = createCheckedTokens<Claims>()
  app.decorateRequest('accessClaims', async function (this: FastifyRequest, face: string) {
    const claims = await readClaims(this, checked)
    if (claims.aud !== face) throw new AppError('token.invalid')
    return { userId: claims.sub, sessionId: claims.sid }
  })
})

async function readClaims(request: FastifyRequest, checked: CheckedTokens<Claims>): Promise<Claims> {
  const token = tokenOf(request.headers.authorization)
  const known = token === undefined ? undefined : checked.find(token)
  if (known !== undefined) return known
  if (token === undefined || !isSpelledAsOurs(token)) throw new AppError('token.invalid')
  const read: unknown = await request.jwtVerify().catch((cause: unknown) => {
    throw new AppError('token.invalid', { cause })
  })
  // With `complete`, the library hands over header, payload and signature.
  const claims = typeof read === 'object' && read !== null && 'payload' in read ? read.payload : read
  if (!areClaims.Check(claims)) throw new AppError('token.invalid')
  const { sub, sid, aud, exp } = claims
  checked.keep(token, { sub, sid, aud, exp })
  return claims
}

const tokenOf = (authorization: string | undefined): string | undefined =>
  /^Bearer (\S+)$/i.exec(authorization?.slice(0, longestToken + 8) ?? '')?.[1]

/**
 * Whether a token is written as our signer writes: one spelling of every part, no member twice, no other header. Asked before the
 * library, which reads leniently what it decodes.
 */
function isSpelledAsOurs(token: string): boolean {
  const parts = token.split('.')
  if (token.length > longestToken || parts.length !== 3) return false
  const [header, payload] = parts.slice(0, 2).map(readPart)
  return isHeader.Check(header) && typeof payload === 'object' && parts.every(isCanonical)
}

const isCanonical = (part: string): boolean => Buffer.from(part, 'base64url').toString('base64url') === part

/** The JSON in a part of a token; undefined where it would be written otherwise, a name that stands there twice included. */
function readPart(part: string): unknown {
  const text = Buffer.from(part, 'base64url').toString()
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify(value) === text ? value : undefined
  } catch {
    return undefined
  }
}
