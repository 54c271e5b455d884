import type * as audit from '@latchkey/contracts/admin/audit'
import type * as conversion from '@latchkey/contracts/admin/conversion'
import type * as messages from '@latchkey/contracts/admin/messages'
import type * as switches from '@latchkey/contracts/admin/switches'
import type { BodyOf, Endpoint, ParamsOf, QueryOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type * as account from '@latchkey/contracts/v1/account'
import type * as challenges from '@latchkey/contracts/v1/challenges'
import type * as login from '@latchkey/contracts/v1/login'
import type * as me from '@latchkey/contracts/v1/me'
import type * as password from '@latchkey/contracts/v1/password'
import type * as session from '@latchkey/contracts/v1/session'
import type { Session } from '@latchkey/contracts/v1/shapes'
import type * as signUp from '@latchkey/contracts/v1/sign-up'

type Described = typeof account &
  typeof challenges &
  typeof login &
  typeof me &
  typeof password &
  typeof session &
  typeof signUp &
  typeof audit &
  typeof conversion &
  typeof messages &
  typeof switches

/** The calls of /v1, those of operators with them, by the names of the contract. */
export type CallName = { [K in keyof Described]: Described[K] extends Endpoint ? K : never }[keyof Described]
type EndpointOf<K extends CallName> = Described[K] extends Endpoint ? Described[K] : never

/** What goes along by itself: a proof of the session, or the token by which a device is known. */
type Along<E extends Endpoint> = E extends { bearer: true }
  ? 'bearer'
  : 'deviceToken' extends keyof BodyOf<E>
    ? 'device'
    : never
type Line<E extends Endpoint> = [Along<E>] extends [never]
  ? readonly [E['method'], E['path']]
  : readonly [E['method'], E['path'], Along<E>]

/**
 * All that is left of the contract at run time: its schemas would weigh more than this whole package. A line that says something
 * else than the contract, one too many and one too few do not compile.
 */
export const calls: { readonly [K in CallName]: Line<EndpointOf<K>> } = {
  signUp: ['POST', '/signup'],
  signInWithPassword: ['POST', '/login', 'device'],
  signInWithCode: ['POST', '/login/code', 'device'],
  forgotPassword: ['POST', '/password/forgot', 'device'],
  resetPassword: ['POST', '/password/reset'],
  getChallenge: ['GET', '/challenges/:id'],
  answerChallenge: ['POST', '/challenges/:id/answer', 'device'],
  resendChallenge: ['POST', '/challenges/:id/resend'],
  refreshSession: ['POST', '/token/refresh'],
  endSession: ['POST', '/logout', 'bearer'],
  listSessions: ['GET', '/sessions', 'bearer'],
  endOneSession: ['DELETE', '/sessions/:id', 'bearer'],
  getMe: ['GET', '/me', 'bearer'],
  patchMe: ['PATCH', '/me', 'bearer'],
  deleteMe: ['DELETE', '/me', 'bearer'],
  changePassword: ['POST', '/me/password', 'bearer'],
  changePhone: ['POST', '/me/phone', 'bearer'],
  changeEmail: ['POST', '/me/email', 'bearer'],
  undoChange: ['POST', '/undo'],
  setSecondFactor: ['PUT', '/me/second-factor', 'bearer'],
  listAudit: ['GET', '/admin/audit', 'bearer'],
  listConversion: ['GET', '/admin/conversion', 'bearer'],
  traceMessages: ['GET', '/admin/messages', 'bearer'],
  listSwitches: ['GET', '/admin/switches', 'bearer'],
  setSwitch: ['POST', '/admin/switches', 'bearer'],
  endSwitch: ['DELETE', '/admin/switches/:id', 'bearer'],
}

/** Kept by the client, which sends it where it belongs. */
type Kept = 'deviceToken' | 'refreshToken'
type Given<T> = [T] extends [undefined] ? unknown : Exclude<T, null | undefined>
type Fields<E extends Endpoint> = Given<BodyOf<E>> & Given<ParamsOf<E>> & Given<QueryOf<E>>
type Open<F> = { [P in keyof F as P extends Kept ? never : P]: F[P] }
/** What a call takes: the fields of path, query and body in one object. */
export type InputOf<K extends CallName> = keyof Open<Fields<EndpointOf<K>>> extends never
  ? Record<string, never>
  : Open<Fields<EndpointOf<K>>>

type Told<Reply> = Reply extends null
  ? void
  : Reply extends { session: Session }
    ? { [F in keyof Reply]: F extends 'session' ? Pick<Session, 'id'> : Reply[F] }
    : Reply
/** What a call answers. The tokens of a session are not in it: the client keeps them. */
export type AnswerOf<K extends CallName> = Told<ReplyOf<EndpointOf<K>>>

/** The codes with which a call may be refused beside those any call may meet. */
export type FailsOf<K extends CallName> = EndpointOf<K>['fails'][number]

export interface CallOptions {
  /** Aborting it ends the wait, and the call is rejected with its reason. */
  readonly signal?: AbortSignal
  /** How long to wait in all, a renewal of the session included. */
  readonly timeoutMs?: number
}

/** One method a call of /v1. */
export type Calls = {
  readonly [K in CallName]: (
    ...args: Record<never, never> extends InputOf<K>
      ? [input?: InputOf<K>, options?: CallOptions]
      : [input: InputOf<K>, options?: CallOptions]
  ) => Promise<AnswerOf<K>>
}
