import type { BodyOf, Endpoint, ReplyOf } from '@latchkey/contracts/endpoint'
import type { SandboxCarrier, Suffering } from '@latchkey/contracts/dev/carriers'
import type { FeedEntry } from '@latchkey/contracts/dev/feed'
import type { InboxEntry } from '@latchkey/contracts/inbox-record'
import type { MailboxEntry } from '@latchkey/contracts/mailbox-record'
import type * as admins from '@latchkey/contracts/internal/admins'
import type * as changes from '@latchkey/contracts/internal/account-changes'
import type * as owners from '@latchkey/contracts/internal/owners'
import type * as switches from '@latchkey/contracts/internal/switches'
import type * as registrations from '@latchkey/contracts/internal/registrations'
import type { readConversion } from '@latchkey/contracts/internal/conversion'
import type * as traces from '@latchkey/contracts/internal/traces'
import type * as internal from '@latchkey/contracts/internal/users'
import type { Challenge, Purpose } from '@latchkey/contracts/v1/shapes'

/** Who calls, as far as a flow needs to know. */
export interface Caller {
  readonly requestId: string
  /** Which API is being spoken: the audience of the sessions it opens. */
  readonly face: string
  readonly locale: string
  /** Keyed hash of the network whose guesses are counted; absent for those whom limits per address do not count. */
  readonly guesser?: string | undefined
  /** The same of the addresses around it. */
  readonly subnet?: string | undefined
  /** What the program behind the call calls itself, cut short. */
  readonly userAgent?: string
}

/** Who stands behind a request, as far as one client can be told from another: keyed hashes. */
export interface Client {
  /** Of the address, IPv6 by /64. */
  readonly network: string
  /** Of the network and the User-Agent. */
  readonly key: string
}

/** A caller of a face whose calls name a phone or an e-mail instead of a challenge. */
export interface FaceCaller extends Caller {
  readonly client: Client
  /** The account of a good access token of this face, where one was sent. */
  readonly userId?: string
  /** Its session, which makes him a known device of it. */
  readonly sessionId?: string
}

/** A caller whose access token was good. Whether the session still lives, only users can tell. */
export interface SignedInCaller extends Caller {
  readonly userId: string
  readonly sessionId: string
}

type Ask<E extends Endpoint> = (body: BodyOf<E>, caller: Caller) => Promise<ReplyOf<E>>
type AskOf<Id extends string, E extends Endpoint> = (
  params: { readonly [K in Id]: string },
  body: BodyOf<E>,
  caller: Caller,
) => Promise<ReplyOf<E>>

/** People, sessions and the delivery log. Throws what each endpoint declares, and `unavailable` within 2 s. */
export interface Users {
  prepareSignUp: Ask<typeof internal.prepareSignUp>
  completeSignUp: Ask<typeof internal.completeSignUp>
  signInWithPassword: Ask<typeof internal.signInWithPassword>
  signInWithPhone: Ask<typeof internal.signInWithPhone>
  giveResetToken: Ask<typeof internal.giveResetToken>
  findPhone: Ask<typeof owners.findPhone>
  register: Ask<typeof registrations.register>
  findRegistration: Ask<typeof registrations.findRegistration>
  proveRegistration: Ask<typeof registrations.proveRegistration>
  dropRegistration: AskOf<'registrationId', typeof registrations.dropRegistration>
  resetPassword: Ask<typeof internal.resetPassword>
  changePassword: AskOf<'sessionId', typeof internal.changePassword>
  refreshSession: Ask<typeof internal.refreshSession>
  endSession: AskOf<'sessionId', typeof internal.endSession>
  listSessions: AskOf<'sessionId', typeof internal.listSessions>
  endOtherSession: AskOf<'sessionId' | 'otherId', typeof internal.endOtherSession>
  getSessionUser: AskOf<'sessionId', typeof internal.getSessionUser>
  patchSessionUser: AskOf<'sessionId', typeof internal.patchSessionUser>
  preparePhoneChange: AskOf<'sessionId', typeof changes.preparePhoneChange>
  checkPhoneChange: Ask<typeof changes.checkPhoneChange>
  changePhone: Ask<typeof changes.changePhone>
  checkEmailChange: Ask<typeof changes.checkEmailChange>
  changeEmail: Ask<typeof changes.changeEmail>
  undoPhoneChange: Ask<typeof changes.undoPhoneChange>
  setSecondFactor: AskOf<'sessionId', typeof changes.setSecondFactor>
  signInWithSecondFactor: Ask<typeof changes.signInWithSecondFactor>
  deleteAccount: AskOf<'sessionId', typeof changes.deleteAccount>
  getDelivery: AskOf<'messageId', typeof internal.getDelivery>
  readAudit: Ask<typeof admins.readAudit>
  readSwitchboard: Ask<typeof switches.readSwitchboard>
  previewSwitch: Ask<typeof switches.previewSwitch>
  putSwitch: Ask<typeof switches.putSwitch>
  resumeSwitch: Ask<typeof switches.resumeSwitch>
  readTrace: Ask<typeof traces.readTrace>
  readConversion: Ask<typeof readConversion>
}

/** A message that is to go out. */
export interface QueuedMessage {
  readonly messageId: string
  readonly challengeId: string
  readonly generation: number
  readonly purpose: Purpose
  readonly expiresAt: Date
  readonly country: string
  readonly channel: Challenge['channel']
}

/** The way to the worker. Throws `unavailable` at once where the queue is away. */
export interface SmsQueue {
  send(message: QueuedMessage, caller: Caller): Promise<void>
  /** Whether the message ever reached the queue; finished ones are known for an hour. */
  has(messageId: string): Promise<boolean>
}

/**
 * Refuses what operators have stopped, with the moment until which they did. Asked before anybody is looked for, and of no country but
 * that of a number the caller typed: so it tells nobody who is there. Throws `unavailable`.
 */
export type RefuseStopped = (wanted: {
  readonly purposes: readonly Purpose[]
  readonly country?: string
  /** What was to be sent again. */
  readonly challengeId?: string
}) => Promise<void>

/** Whether a profile is as the operator wants it. Throws `request.invalid`, naming every path below `/profile`. */
export type CheckProfile = (profile: Record<string, unknown>) => void

/** What happens to messages, for who looks on in development. */
export interface DevFeed {
  note(entry: FeedEntry): void
  /**
   * All that came after the entry of that id, then what comes, until `signal`: `begin` first where that entry is not known (any more) and all
   * that is known follows, and again for who fell too far behind; `still` where nothing came for a while.
   */
  follow(after: string | undefined, signal: AbortSignal): AsyncIterable<DevFeedItem>
}

export type DevFeedItem = { readonly id: string; readonly entry: FeedEntry } | 'begin' | 'still'

/** The carriers of development, which are as ill as a developer makes them. */
export interface DevCarriers {
  list(): Promise<SandboxCarrier[]>
  /** False where the worker has no such carrier. */
  ail(lane: string, suffers: Suffering | null): Promise<boolean>
}

/** The messages that development keeps instead of sending them. */
export interface DevInbox {
  /** Newest first; of one number where `to` is given. */
  read(to?: string): Promise<InboxEntry[]>
}

/** The mail that development keeps instead of sending it. */
export interface DevMailbox {
  /** Newest first; of one mailbox where `to` is given. */
  read(to?: string): Promise<MailboxEntry[]>
}
