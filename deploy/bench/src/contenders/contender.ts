import type { Processes } from '../cpu.js'

/** Somebody to whom a code was sent; `ref` is what the contender wants to hear with it. */
export interface Pending {
  readonly phone: string
  readonly ref: string
}

/** Somebody who is signed in. */
export interface Signed {
  readonly phone: string
  /** What proves it: a token, or cookies. */
  readonly token: string
  /** What renews it. */
  readonly renewal: string
}

/** One of those that are measured: what people can do there, each a request and what has to follow it. */
export interface Contender {
  readonly name: string
  /** Its own processes; the stores are everybody's. */
  processes(): Processes
  signUp(phone: string, password?: string): Promise<Pending>
  answer(pending: Pending, code: string): Promise<Signed>
  /** Sends a code to somebody who has an account. */
  askCode(phone: string): Promise<Pending>
  answerLogIn(pending: Pending, code: string): Promise<Signed>
  logIn(phone: string, password: string): Promise<Signed>
  /** Absent where there is nothing of the kind. */
  readonly renew?: (signed: Signed) => Promise<Signed>
  /** Makes what proves somebody as new, before it is measured for minutes. */
  readonly revive?: (signed: Signed) => Promise<Signed>
  /** Who is this? By the contender itself. */
  check(signed: Signed): Promise<unknown>
  /** A token that others can believe by its public keys, and where these are. */
  readonly believable?: (signed: Signed) => Promise<string>
  readonly jwksUrl?: string
  /** Gives somebody without a password one, where a sign-up cannot bring it: the code that comes is to be told. */
  readonly setPassword?: (phone: string, password: string, codeOf: () => Promise<string>) => Promise<void>
  stop(): Promise<void>
}
