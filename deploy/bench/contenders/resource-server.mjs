// An application of its own that believes tokens by the public keys of whoever issued them: the same for every issuer.
import { createServer } from 'node:http'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { PORT, JWKS_URL, AUDIENCE } = process.env
const keys = createRemoteJWKSet(new URL(JWKS_URL))

async function answer(request, response) {
  if (request.url === '/ready') return response.end('ok')
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '')
  try {
    const { payload } = await jwtVerify(token, keys, { audience: AUDIENCE })
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sub: payload.sub }))
  } catch {
    return response.writeHead(401).end()
  }
}

createServer((request, response) => void answer(request, response)).listen(Number(PORT), '127.0.0.1')
