import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'

// Tokens that somebody might send instead of a good one (RFC 8725, RFC 9068). Where it is worth more they are signed by the right key:
// the check they are about is then the only one that can refuse them.

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const encodeText = (text: string) => Buffer.from(text).toString('base64url')
const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

export interface Minted {
  readonly privateKey: KeyObject
  /** The value of ACCESS_TOKEN_KEYS that makes a gateway sign with it. */
  readonly ring: string
  mint(claims: object, header?: object, key?: KeyObject): string
  /** The same of parts as they are, to be signed by the right key. */
  sign(header: string, payload: string): string
}

/** A signing key that a test shares with its gateway, and the tokens it makes. */
export function mintedKey(): Minted {
  const privateKey = pair()
  const sealed = (text: string, key: KeyObject) =>
    `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  return {
    privateKey,
    ring: `t1:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}`,
    mint: (claims, header = {}, key = privateKey) =>
      sealed(`${encode({ alg: 'ES256', typ: 'at+jwt', kid: 't1', ...header })}.${encode(claims)}`, key),
    sign: (header, payload) => sealed(`${header}.${payload}`, privateKey),
  }
}

export const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

/** Fifty-odd hostile tokens by what is wrong with each, made from a good one. `otherFace` is one whose tokens must not open this face. */
export function hostileTokens(
  { privateKey, mint, sign: signed }: Minted,
  { good, otherFace, refreshToken }: { good: string; otherFace: string; refreshToken: string },
): Record<string, string> {
  const [head = '', payload = '', signature = ''] = good.split('.')
  const claims = claimsOf(good)
  const face = String(claims['aud'])
  const header = { alg: 'ES256', typ: 'at+jwt', kid: 't1' }
  const publicKey = createPublicKey(privateKey)
  const jwk = publicKey.export({ format: 'jwk' })
  const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name))
  const hs256 = (secret: string | Buffer) => {
    const text = `${encode({ ...header, alg: 'HS256' })}.${payload}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const twice = (name: string, value: unknown) =>
    signed(
      encode(header),
      encodeText(`{${JSON.stringify(name)}:${JSON.stringify(value)},${JSON.stringify(claims).slice(1)}`),
    )
  const now = Math.floor(Date.now() / 1_000)
  return {
    ...Object.fromEntries(
      ['none', 'None', 'NONE', 'nOnE'].map((alg) => [`alg ${alg}`, `${encode({ ...header, alg })}.${payload}.`]),
    ),
    'alg none, signed': signed(encode({ ...header, alg: 'none' }), payload),
    'alg missing': signed(encode({ typ: 'at+jwt', kid: 't1' }), payload),
    'alg as a list': signed(encode({ ...header, alg: ['ES256'] }), payload),
    'HS256 with the public PEM': hs256(publicKey.export({ format: 'pem', type: 'spki' })),
    'HS256 with the public DER': hs256(publicKey.export({ format: 'der', type: 'spki' })),
    'HS256 with the JWK': hs256(JSON.stringify(jwk)),
    'HS256 with nothing': hs256(''),
    'as the document has it': mint(claims, { alg: 'HS256', typ: 'JWT' }),
    'ES384 named': mint(claims, { alg: 'ES384' }),
    'of another key': mint(claims, {}, pair()),
    'unknown kid': mint(claims, { kid: 'other' }),
    'no kid': signed(encode({ alg: 'ES256', typ: 'at+jwt' }), payload),
    'kid as a path': mint(claims, { kid: '../../../../dev/null' }),
    'kid as SQL': mint(claims, { kid: "x' union select 'secret" }),
    'kid __proto__': mint(claims, { kid: '__proto__' }),
    'kid as a number': mint(claims, { kid: 1 }),
    'kid as a list': mint(claims, { kid: ['t1'] }),
    jwk: mint(claims, { jwk }, pair()),
    'jwk beside a right signature': mint(claims, { jwk }),
    jku: mint(claims, { jku: 'http://127.0.0.1:1/keys' }),
    x5u: mint(claims, { x5u: 'http://127.0.0.1:1/cert' }),
    x5c: mint(claims, { x5c: ['MIIB'] }),
    crit: mint(claims, { crit: ['exp'] }),
    'crit b64': mint(claims, { crit: ['b64'], b64: false }),
    zip: mint(claims, { zip: 'DEF' }),
    'typ JWT': mint(claims, { typ: 'JWT' }),
    'typ missing': signed(encode({ alg: 'ES256', kid: 't1' }), payload),
    expired: mint({ ...claims, iat: 1, exp: 2 }),
    'nbf in the future': mint({ ...claims, nbf: now + 3_600 }),
    ...Object.fromEntries(
      ['exp', 'iat', 'sid', 'sub', 'aud', 'iss', 'jti'].map((name) => [`no ${name}`, mint(without(name))]),
    ),
    'exp as text': mint({ ...claims, exp: '9999999999' }),
    'exp with a fraction': mint({ ...claims, exp: now + 600.5 }),
    'exp written as a float': signed(encode(header), encodeText(JSON.stringify(claims).replace(/("exp":\d+)/, '$1.0'))),
    'exp null': mint({ ...claims, exp: null }),
    'aud of another face': mint({ ...claims, aud: otherFace }),
    'aud of every face': mint({ ...claims, aud: [face, otherFace] }),
    'iss of somebody': mint({ ...claims, iss: 'https://example.com' }),
    'iss as a list': mint({ ...claims, iss: ['latchkey', 'https://example.com'] }),
    'sid of nobody': mint({ ...claims, sid: randomUUID() }),
    'sid as an object': mint({ ...claims, sid: { $ne: null } }),
    'aud twice': twice('aud', otherFace),
    'sid twice': twice('sid', randomUUID()),
    'alg twice': signed(encodeText(`{"alg":"none",${JSON.stringify(header).slice(1)}`), payload),
    'refresh as access': refreshToken,
    'altered payload': `${head}.${encode({ ...claims, sub: randomUUID() })}.${signature}`,
    'cut signature': `${head}.${payload}.${signature.slice(0, -4)}`,
    'signature of zeros': `${head}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    'no signature': `${head}.${payload}.`,
    'two parts': `${head}.${payload}`,
    'four parts': `${good}.${signature}`,
    'five parts': `${head}..${payload}.${signature}.${signature}`,
    'odd base64': `${head}=.${payload}==.${signature}`,
    'another spelling of the signature': `${good}=`,
    'a line break in base64': `${head}.${payload.slice(0, 8)}%0A${payload.slice(8)}.${signature}`,
    'header is no object': `${encode([])}.${payload}.${signature}`,
    'header is null': `${encode(null)}.${payload}.${signature}`,
    'payload is no object': signed(encode(header), encode('text')),
    'not base64': '%%%.%%%.%%%',
    dots: '..',
    '12 KB': 'x'.repeat(12_000),
    '100 KB': `${head}.${'x'.repeat(100 * 1_024)}.${signature}`,
  }
}
