import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** What tokens said that were checked whole: a signature is checked once, not with every request of its bearer. */
export interface CheckedTokens<C> {
  /** Undefined where this very token was not checked, or is over. */
  find(token: string): C | undefined
  keep(token: string, claims: C): void
}

/** Some minutes of a busy gateway, in about 4 MB. */
const mostKept = 10_000

/** Keeps the latest by their hashes, so that nothing that opens a session stands here. Keys of the ring change by a new process only. */
export function createCheckedTokens<C extends { readonly exp: number }>(most = mostKept): CheckedTokens<C> {
  const kept = new LRUCache<string, C>({ max: most })
  const nameOf = (token: string) => hash('sha256', token, 'base64')
  return {
    find(token) {
      const claims = kept.get(nameOf(token))
      return claims !== undefined && Date.now() < claims.exp * 1_000 ? claims : undefined
    },
    keep: (token, claims) => void kept.set(nameOf(token), claims),
  }
}
