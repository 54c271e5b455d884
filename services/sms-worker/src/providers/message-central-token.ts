import type { MessageCentralHttp } from './message-central-http.js'

/** A token, or why there is none; nothing was sent either way. */
export type Token =
  | { readonly token: string }
  | { readonly refused: string }
  /** It may come later. */
  | { readonly missing: string }

export interface Tokens {
  /** The token in use; a new one where there is none or `dead` is it. */
  get(dead?: string): Promise<Token>
}

interface TokenOptions {
  readonly http: MessageCentralHttp
  readonly customerId: string
  readonly country: string
  /** One that was made by hand. */
  readonly ready?: string
  /** With which new ones are asked for. */
  readonly login?: { readonly email: string; readonly password: string }
  readonly timeoutMs: number
}

/** One that dies on the way to the carrier costs a second call. */
const marginMs = 60_000

/** Keeps one token for all messages, and asks for the next once, however many wait for it. */
export function createTokens({ http, customerId, country, ready, login, timeoutMs }: TokenOptions): Tokens {
  let current = ready
  let asking: Promise<Token> | undefined

  async function ask(): Promise<Token> {
    if (login === undefined) return { refused: 'token-dead' }
    const key = Buffer.from(login.password).toString('base64')
    const query = { customerId, key, scope: 'NEW', country, email: login.email }
    try {
      const { status, body } = await http.call('GET', '/auth/v1/authentication/token', query, { timeoutMs })
      const { status: said, token } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
      if (typeof token === 'string' && token !== '' && (said === undefined || said === 200)) {
        current = token
        return { token }
      }
      // It refuses with HTTP 200 too; what stands inside counts.
      const code = typeof said === 'number' ? said : status
      const refused = code >= 400 && code <= 499 && code !== 429 && code !== 408
      return refused ? { refused: `token-${code}` } : { missing: `token-${code}` }
    } catch (error) {
      return { missing: `token-${(error as { code?: string }).code ?? 'unknown'}` }
    }
  }
  return {
    async get(dead) {
      if (current !== undefined && current !== dead && !isEnding(current)) return { token: current }
      asking ??= ask().finally(() => (asking = undefined))
      return asking
    },
  }
}

/** Whether a token that tells its end is near it. One that does not is used until it is refused. */
function isEnding(token: string): boolean {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp?: unknown }
    return typeof exp === 'number' && exp * 1_000 - marginMs < Date.now()
  } catch {
    return false
  }
}
