import { Type } from 'typebox'

interface Address {
  readonly host: string
  readonly port: number
}

/** Where a Redis is: one server, a cluster that is found through any of its nodes, or the master that sentinels know by its name. */
export type RedisPlace =
  | { readonly kind: 'server'; readonly url: string }
  | { readonly kind: 'cluster'; readonly nodes: readonly Address[]; readonly as: Credentials; readonly tls: boolean }
  | {
      readonly kind: 'sentinel'
      readonly sentinels: readonly Address[]
      readonly master: string
      readonly database: number
      readonly as: Credentials
      readonly sentinelPassword: string | undefined
      readonly tls: boolean
    }

/** Of the servers that hold the data. */
interface Credentials {
  readonly username?: string
  readonly password?: string
}

/** What a variable with the URL of a Redis begins with; what stands behind that is told by `redisUrlProblems`. */
export const RedisUrl = (description: string) =>
  Type.String({ pattern: '^rediss?(-cluster|-sentinel)?://', description })

const defaultPort = { cluster: 6379, sentinel: 26_379 }

/**
 * Reads `redis://host:port/database`, `redis-cluster://host:port,host:port` and
 * `redis-sentinel://host:port,host:port/database?master=name`, each with `rediss` for TLS. The error quotes nothing: it may be a password.
 */
export function readRedisUrl(url: string): RedisPlace {
  const [, scheme, kind, as, hosts = '', path = '', query] =
    /^(rediss?)(?:-(cluster|sentinel))?:\/\/(?:([^@]*)@)?([^/?#]+)(?:\/(\d*))?(?:\?([^#]*))?$/.exec(url) ?? []
  if (scheme === undefined) throw new Error('it is no URL of a Redis')
  if (kind === undefined) {
    if (hosts.includes(','))
      throw new Error('several hosts are `redis-cluster://` or `redis-sentinel://`; `redis://` is one server')
    return { kind: 'server', url }
  }
  const tls = scheme === 'rediss'
  const asked = new URLSearchParams(query)
  if (kind === 'cluster') {
    if (path !== '' && path !== '0') throw new Error('a cluster has no databases but 0')
    refuseUnknown(asked, [])
    return { kind, nodes: readHosts(hosts, defaultPort.cluster), as: readCredentials(as), tls }
  }
  refuseUnknown(asked, ['master', 'sentinelPassword'])
  const master = asked.get('master') ?? ''
  if (master === '') throw new Error('it must say which master the sentinels are asked for: `?master=name`')
  return {
    kind: 'sentinel',
    sentinels: readHosts(hosts, defaultPort.sentinel),
    master,
    database: Number(path),
    as: readCredentials(as),
    sentinelPassword: asked.get('sentinelPassword') ?? undefined,
    tls,
  }
}

/** What is wrong with the URLs of a configuration, by variable. */
export function redisUrlProblems(urls: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(urls).flatMap(([name, url]) => {
    try {
      if (url !== undefined) readRedisUrl(url)
      return []
    } catch (error) {
      return [`${name} cannot be used: ${error instanceof Error ? error.message : 'malformed'}`]
    }
  })
}

function readHosts(text: string, port: number): Address[] {
  return text.split(',').map((each) => {
    const [, bracketed, name, own = port] = /^(?:\[([\da-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(each) ?? []
    const host = bracketed ?? name
    if (host === undefined || Number(own) < 1 || Number(own) > 65_535)
      throw new Error('its hosts must be host:port, with commas between them')
    return { host, port: Number(own) }
  })
}

function readCredentials(text: string | undefined): Credentials {
  if (text === undefined || text === '') return {}
  const [username = '', ...rest] = text.split(':').map(decodeURIComponent)
  return { ...(username !== '' && { username }), ...(rest.length > 0 && { password: rest.join(':') }) }
}

function refuseUnknown(asked: URLSearchParams, known: readonly string[]): void {
  if ([...asked.keys()].some((name) => !known.includes(name)))
    throw new Error(
      known.length === 0 ? 'it takes nothing behind a `?`' : `behind the \`?\` it takes ${known.join(', ')}`,
    )
}
