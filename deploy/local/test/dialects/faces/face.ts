import type { Answer } from '../../journey/journey.js'
import type { Document } from '../document.js'
import type { Client, Person } from '../world.js'

// A face as its front ends use it: what they ask, and how they are refused.

/** What an answer is compared with, by `t.match`. */
export interface Expected {
  readonly status: number
  readonly body?: unknown
  readonly headers?: unknown
}

export interface Face {
  readonly name: Document['dialect']
  readonly codeLifeSeconds: number
  readonly cooldownSeconds: number
  /** Null where no call sends a code again. */
  readonly resends: number | null
  /** What the resend route repeats: the code, or nothing. */
  readonly resend: 'repeat' | 'rotate'
  /** Whether registering sends a code, or the front end asks for it. */
  readonly registeringSends: boolean
  readonly loginNeedsProof: boolean
  /** Registers, or begins to. */
  register(by: Client, who: Person, more?: object): Promise<Answer>
  /** Asks for the code of a registration, again or for the first time. */
  send(by: Client, who: Person): Promise<Answer>
  verify(by: Client, who: Person, code: unknown, token?: string): Promise<Answer>
  logIn(by: Client, who: Person): Promise<Answer>
  /** A call that only a good access token of this face opens, where the face has one: 401 with `WWW-Authenticate` else. Changes nothing. */
  readonly opens?: (by: Client, token: string | undefined) => Promise<Answer>
  /** The access token in an answer of register, verify or log-in, where there is one. */
  tokenIn(answer: Answer): string | undefined
  readonly registered: Expected
  readonly sent: Expected
  readonly verified: Expected
  readonly loggedIn: Expected
  wrong(left: number): Expected
  readonly exhausted: Expected
  readonly cooling: Expected
  /** The last resend was the last. */
  readonly spent: Expected
  /** The budget of a phone, or of an address, is spent. */
  readonly limited: Expected
  readonly credentialsWrong: Expected
  readonly secondFactor: Expected
  /** The field as this face calls it. */
  invalid(field: 'phone' | 'email' | 'code' | 'password' | 'role'): Expected
  readonly conflict: Expected
  /** Whether an error looks as the framework of the face would make it look, and says nothing else. */
  isShaped(error: Answer): boolean
}

export const retryAfter = { 'retry-after': /^\d+$/ }

export const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
export const isJson = ({ headers, body }: Answer): boolean =>
  headers['content-type']?.includes('application/json') === true && typeof body === 'object' && body !== null
/** Whether a body has no member but these. */
export const hasOnly = (body: object, ...names: string[]): boolean =>
  Object.keys(body).every((key) => names.includes(key))
