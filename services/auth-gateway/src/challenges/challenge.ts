import type { Address as Recipient } from '@latchkey/contracts/address'
import type { E164 } from '@latchkey/contracts/phone'
import type { Challenge, Purpose } from '@latchkey/contracts/v1/shapes'
import type { ChallengePolicy } from '../flows/policy.js'
import type { Client } from '../flows/ports.js'

/** What the message of a new challenge is to say, and to whom. A decoy is never sent. */
export type Message =
  | { readonly kind: 'code'; readonly to: Recipient; readonly code: string }
  | { readonly kind: 'account_exists'; readonly to: Recipient }
  /** Tells who owns an account that it has another phone or e-mail now. Nobody is told the id of such a challenge, and nothing answers it. */
  | { readonly kind: 'phone_changed' | 'email_changed'; readonly to: Recipient; readonly undoToken: string }
  | { readonly kind: 'decoy'; readonly range?: string; readonly channel?: 'email' }

/** By which way a message goes, as whoever asked for it is told. */
export type Channel = Challenge['channel']

export interface NewChallenge {
  readonly purpose: Purpose
  readonly face: string
  /** Whose sends and wrong answers this counts against: the phone, or for a decoy the identifier it stands for. */
  readonly subject: string
  /** The phone behind an identifier, where the caller did not name it: its own limits are kept too, and he is not told. */
  readonly behind?: string
  /** Whether a device of the account asks: it has a cooldown and budgets of its own. */
  readonly known?: boolean
  /** False for a test number: no cooldown, no budget. */
  readonly limited: boolean
  readonly message: Message
  readonly channel?: Channel
  /** Masked, and only where the caller sent the address itself. */
  readonly shownTo: string | null
  readonly country: string
  readonly locale: string
  /** What the purpose needs once the code is proved; kept sealed. */
  readonly pending: unknown
  readonly policy: ChallengePolicy
  /** Where it can be found again by those who do not know its id. */
  readonly found?: Found
  /** Inside a cooldown or past a budget it is opened all the same and sends nothing; a later resend sends it. */
  readonly mayStayUnsent?: boolean
  /** What its message was counted for, for the guard against being made to send. */
  readonly counted?: string
  /** Whether its message must not be sent, and nobody told. */
  readonly quiet?: boolean
}

/** By what a challenge is found whose id nobody was told: at most three an address, one a client. */
export interface Found {
  readonly address: Address
  readonly client: Client
  /** The registration it proves, which an access token can select. */
  readonly registrationId?: string
}

/** What a caller names instead of a challenge: a phone, an e-mail, or both. */
export interface Address {
  readonly face: string
  readonly purpose: Purpose
  readonly text: string
}

/** One of the challenges behind an address, as one client finds it. */
export interface Candidate {
  readonly id: string
  /** `Client.key` of who opened it. */
  readonly openedBy: string
  readonly registrationId: string | undefined
  /** `exhausted`: for everybody, or for the network that asks. */
  readonly state: 'live' | 'exhausted'
}

/** What an address has that can be sent again. */
export interface Sendable {
  readonly candidates: readonly Candidate[]
  /** The decoy that stands in, where this client can still answer it. */
  readonly decoy: string | undefined
}

/** A challenge as its holder may see it, ended ones included. */
export interface KnownChallenge {
  readonly id: string
  readonly purpose: Purpose
  readonly face: string
  readonly channel: Channel
  readonly shownTo: string | null
  readonly country: string
  readonly generation: number
  /** Of the last send; where nothing was sent yet, of the message that is not queued. */
  readonly messageId: string
  /** False where it was opened inside a cooldown, and nothing was sent so far. */
  readonly sent: boolean
  /** What its first message was counted for; empty where it was not judged. */
  readonly counted: string
  readonly openedAt: Date
  readonly expiresAt: Date
  readonly resendAt: Date
  readonly expired: boolean
  readonly attemptsLeft: number
  readonly resendsLeft: number
}

/** A right answer: the code is held for its bearer until it is settled, released, or the lease runs out. */
export interface Claim {
  readonly id: string
  readonly owner: string
  readonly purpose: Purpose
  readonly face: string
  /** Where the code went. */
  readonly to: Recipient
  readonly pending: unknown
  /** Whose wrong answers this one would have counted as, by its keyed hash. */
  readonly subject: string
  /** Whose challenge it is, by its keyed hash, and whether one of the known devices opened it: whose cooldown success clears. */
  readonly openedFor: { readonly hash: string; readonly known: boolean }
  /** The phone behind a name, or nobody's name, where the caller did not name the phone. */
  readonly behind: string | undefined
  /** A claim before this one ran out without a word: its effect may exist. */
  readonly lapsed: boolean
  /** The address that led to it, by its keyed hash. */
  readonly address: { readonly shard: string; readonly hash: string } | undefined
  readonly openedAt: Date
  /** What its first message was counted for, and how many there were. */
  readonly counted: string
  readonly sends: number
}

export type Opened =
  | { readonly verdict: 'opened'; readonly challenge: KnownChallenge }
  | { readonly verdict: 'cooling'; readonly retryAt: Date }

export type Answered =
  | { readonly verdict: 'claimed'; readonly claim: Claim }
  | { readonly verdict: 'wrong'; readonly attemptsLeft: number }
  /** `budget` where it is that of the challenge's subject: everybody's, or that of its known devices. */
  | { readonly verdict: 'limited'; readonly retryAt: Date; readonly budget?: 'phone' | 'known_device' }
  | { readonly verdict: 'held' | 'gone' }
  /** Too many wrong answers: from everywhere, or from this client's network. */
  | { readonly verdict: 'exhausted' }

export type Resent =
  /** `takeBack` makes it as if nobody had asked; for a message that certainly never reached the queue. */
  | { readonly verdict: 'resent'; readonly challenge: KnownChallenge; takeBack(): Promise<void> }
  /** `challenge` is the one already sent: its message may have been lost before the queue. */
  | { readonly verdict: 'cooling'; readonly retryAt: Date; readonly challenge: KnownChallenge }
  | { readonly verdict: 'spent'; readonly retryAt: Date }
  | { readonly verdict: 'held' | 'gone' }

/** What is special about some numbers, and about no e-mail. */
export interface Numbers {
  /** Whether cooldowns and budgets hold for it. */
  limited(address: Recipient): boolean
  /** A new code for it. */
  codeFor(address: Recipient, digits: number): string
}

/** What a caller typed where no challenge was opened for him: its limits hold, since a decoy found by an address has none. */
export interface Typed {
  readonly identifier: string
  /** False for a test number. */
  readonly limited: boolean
}

/** Who answers, as far as it decides where a wrong answer is counted. */
export interface Answering {
  /** Of a face that finds challenges by address. */
  readonly client?: Client
  /**
   * Asked where the caller brought what may make him a known device: of the account behind the address a code of this purpose went to,
   * null where none did.
   */
  readonly knows?: (address: Recipient | null, purpose: Purpose) => Promise<boolean>
  /** Counts a stranger's answer for his network before it is compared. */
  readonly count?: () => Promise<Counted>
}

/** A guess that was counted before it is made: `giveBack` for one that was none. */
export type Counted =
  | { readonly verdict: 'counted'; giveBack(): Promise<void> }
  | { readonly verdict: 'limited'; readonly retryAt: Date }

/** How a challenge was found that is sent again by its address. */
export interface FoundBy {
  /** For what `findDecoy` found. */
  readonly typed?: Typed
  /** Whether a device of the account asks. */
  readonly known: boolean
  /** Whether the message must not be sent, and nobody told. */
  readonly quiet?: boolean
}

/** Where challenges live. Every operation is one script in one slot, so that a hundred callers at once are as good as one. */
export interface ChallengeStore {
  open(challenge: NewChallenge): Promise<Opened>
  /**
   * Takes back a challenge that nobody was told of; what it replaced stays ended. Its send is refunded where its message certainly
   * never reached the queue.
   */
  cancel(challenge: KnownChallenge, wanted: NewChallenge, options: { readonly refund: boolean }): Promise<void>
  /** Undefined for an unknown one, and 15 minutes after its end. */
  read(id: string): Promise<KnownChallenge | undefined>
  answer(id: string, code: string, face: string, by?: Answering): Promise<Answered>
  /** The challenges behind an address that live or were exhausted, oldest first. */
  candidates(address: Address, client: Client): Promise<readonly Candidate[]>
  /**
   * The id of the decoy that stands in where an address has no challenge for this client: opened if there is none, without a send,
   * and counting down like a live one.
   */
  decoy(address: Address, client: Client, policy: ChallengePolicy): Promise<string>
  /** What a send may send again, known or not by the same work. A decoy opened with `found` is kept where it stands, and counts anew. */
  sendable(address: Address, client: Client): Promise<Sendable>
  /**
   * Notes that a client names a phone beside the e-mail of an address, and says where the challenge of both is found. Right or wrong, each
   * pair has one of its own, so that none tells of another.
   */
  namePair(address: Address, phone: E164, client: Client, policy: ChallengePolicy): Promise<Address>
  /** Where the challenge is found that an answer means which names the e-mail only: of the pair this client named last, else anybody. */
  namedPair(address: Address, client: Client): Promise<Address>
  /** The code in a live challenge, for development that shows it; undefined where it has none. */
  codeOf(id: string): Promise<string | undefined>
  /** Ends a claimed challenge whose effect is committed. */
  settle(claim: Claim): Promise<void>
  /** Gives a claimed code back, nothing having happened. */
  release(claim: Claim): Promise<void>
  /**
   * Takes a right answer for a wrong one, since what has to come with the code did not: counted, and the code given back, or ended
   * by it. Says how many are left.
   */
  refuse(claim: Claim): Promise<number>
  /** Without `found`, by its id: it is counted for whoever opened it. */
  resend(id: string, face: string, policy: ChallengePolicy, numbers: Numbers, found?: FoundBy): Promise<Resent>
}
