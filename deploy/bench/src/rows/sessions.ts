import { pickPort } from '@latchkey/local/ports'
import { type Bench, type ContenderName, interleave, type Row } from '../bench.js'
import { type Child, startChild } from '../child.js'
import type { Contender, Signed } from '../contenders/contender.js'
import { createClient } from '../http.js'
import { measureAtRate } from '../measure.js'
import { accounts, password } from '../people.js'

/** So many take turns: each is done with one request before the next of his. */
const people = (bench: Bench) => ({ count: Math.min(100, 2 * bench.scale.checksPerSecond) })

/** Log-in by password. */
export const logIn: Row = {
  name: 'log-in',
  what: "A log-in by phone and password: argon2id here, bcrypt at cost 10 in the documents' shape, scrypt in better-auth.",
  run: (bench) =>
    interleave(
      bench,
      ['Latchkey', "documents' shape", 'better-auth', 'better-auth, Redis'],
      async (contender, round) => {
        const count = Math.min(60, 4 * bench.scale.hashesPerSecond)
        const all = await accounts(bench, contender, { count, withPassword: true })
        const ask = async (turn: number) => contender.logIn(all[turn % count]?.phone ?? '', password)
        return measureAtRate(bench, ask, { contender, perSecond: bench.scale.hashesPerSecond, round })
      },
    ),
}

/** What keeps somebody signed in. */
export const refresh: Row = {
  name: 'refresh',
  what: 'A refresh: here a one-use token for the next pair; in better-auth, which has none, a fresh JWT for the session.',
  run: (bench) =>
    interleave(bench, ['Latchkey', 'better-auth', 'better-auth, Redis'], async (contender, round) => {
      const { count } = people(bench)
      const all = await accounts(bench, contender, { count })
      const ask = async (turn: number) => {
        const at = turn % count
        const [one, renew] = [all[at], contender.renew]
        if (one === undefined || renew === undefined) throw new Error('there is nobody to be renewed')
        all[at] = await renew(one)
      }
      return measureAtRate(bench, ask, { contender, perSecond: bench.scale.perSecond, round })
    }),
}

/** Who is this, asked of the contender itself. */
export const tokenCheck: Row = {
  name: 'token-check',
  what: "Who is this? Here the token and its live session, in the documents' shape the token and its account, in better-auth the session.",
  run: (bench) => {
    const names: readonly ContenderName[] = [
      'Latchkey',
      "documents' shape",
      'better-auth',
      'better-auth, Redis',
      'better-auth, Redis, cookie cache',
    ]
    return interleave(bench, names, async (contender, round) => {
      const all = await fresh(bench, contender)
      const ask = async (turn: number) => contender.check(all[turn % all.length] as Signed)
      return measureAtRate(bench, ask, { contender, perSecond: bench.scale.checksPerSecond, round })
    })
  },
}

/** A token lives ten minutes, a cached session five. */
async function fresh(bench: Bench, contender: Contender): Promise<Signed[]> {
  const { count } = people(bench)
  const all = await accounts(bench, contender, { count })
  const { revive } = contender
  for (let at = 0; revive !== undefined && at < count; at += 1) all[at] = await revive(all[at] as Signed)
  return all.slice(0, count)
}

/** By an application that has only the public keys. */
export const tokenCheckByKeys: Row = {
  name: 'token-check-jwks',
  what: "A token believed by its issuer's public keys, in the same small server for both issuers: ES256 here, EdDSA in better-auth.",
  run: async (bench) => {
    const servers = new Map<string, { child: Child; url: string; tokens: string[] }>()
    try {
      return await interleave(bench, ['Latchkey', 'better-auth, Redis'], async (contender, round) => {
        const server = servers.get(contender.name) ?? (await believer(bench, contender))
        servers.set(contender.name, server)
        const client = createClient(server.url)
        const ask = async (turn: number) =>
          client.get('/', {
            headers: { authorization: `Bearer ${server.tokens[turn % server.tokens.length]}` },
            expect: 200,
          })
        const also = { believer: server.child.pid }
        const figures = await measureAtRate(bench, ask, {
          contender,
          perSecond: bench.scale.checksPerSecond,
          round,
          also,
        })
        await client.close()
        return figures
      })
    } finally {
      for (const { child } of servers.values()) await child.stop()
    }
  },
}

async function believer(bench: Bench, contender: Contender) {
  const { believable, jwksUrl, name } = contender
  if (believable === undefined || jwksUrl === undefined) throw new Error(`${name} has no public keys`)
  const tokens: string[] = []
  for (const one of await fresh(bench, contender)) tokens.push(await believable(one))
  const port = await pickPort()
  const url = `http://127.0.0.1:${port}`
  const child = await startChild(`believer of ${name}`, {
    file: `${bench.place.programs}/resource-server.mjs`,
    folder: bench.place.folder,
    env: { PORT: String(port), JWKS_URL: jwksUrl, AUDIENCE: audienceOf(tokens[0] ?? '') },
    url,
    ready: '/ready',
  })
  return { child, url, tokens }
}

function audienceOf(token: string): string {
  const { aud } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as { aud: string }
  return aud
}
