import type { Purpose } from '@latchkey/contracts/v1/shapes'
import { orUnavailable } from '@latchkey/kit/redis'
import { redisScript } from '@latchkey/kit/redis-script'
import type { Redis } from '@latchkey/kit/redis'
import type { ChallengePolicy } from '../flows/policy.js'
import type { ChallengeKeys, Subject } from './challenge-keys.js'
import { type Read, type Record, toRecord } from './challenge-record.js'

export interface ScriptOptions {
  readonly redis: Redis
  readonly keys: ChallengeKeys
  /** Sends and wrong answers per phone, over all purposes. */
  readonly budgets: {
    readonly sendsPerHour: number
    readonly sendsPerDay: number
    readonly wrongPerHour: number
    readonly wrongPerDay: number
  }
  /** 0 in production; tests move it instead of sleeping. */
  readonly clockOffsetMs: () => number
}

/** What a script answers: a word, then what belongs to it. */
export type Word = [verdict: string, ...rest: (string | number)[]]

/** A send that is counted for a subject. */
export interface Send {
  readonly subject: Subject
  readonly purpose: Purpose
  readonly messageId: string
}
/** As it is limited by its policy, if it is. */
export interface LimitedSend extends Send {
  readonly policy: ChallengePolicy
  readonly limited: boolean
}

/** For whom a challenge was opened, and whether by a known device. */
interface Opener {
  readonly subject: Subject
  readonly known: boolean
}

/** What an address is to remember of a challenge. */
interface NewEntry {
  readonly client: string
  /** Empty where it proves none. */
  readonly registrationId: string
  readonly sent: boolean
  readonly expiresAt: Date
}

const claimLeaseMs = 5_000

/** The Lua scripts of challenges with their keys and arguments in order; each file says what it promises. Throws `unavailable`. */
export function createChallengeScripts({ redis, keys, budgets, clockOffsetMs }: ScriptOptions) {
  function script<Reply = Word>(name: string): (...args: readonly (string | number)[]) => Promise<Reply> {
    const call = redisScript<Reply>(redis, new URL(`./lua/${name}.lua`, import.meta.url))
    return (...args) => orUnavailable(() => call(...args))
  }
  const lua = {
    open: script('open.5'),
    cancel: script('cancel.4'),
    read: script<string[]>('read.1'),
    spend: script<number>('spend.6'),
    refund: script('refund.2'),
    claim: script('claim.2'),
    countWrong: script('count_wrong.1'),
    wrongRoom: script<number>('wrong_room.1'),
    settle: script('settle.3'),
    release: script('release.1'),
    refuse: script<number>('refuse.2'),
    resend: script('resend.4'),
    unsend: script('unsend.3'),
    end: script('end.1'),
    decoy: script<[openedAt: number, expiresAt: number]>('decoy.1'),
    takeSend: script('take_send.2'),
    enter: script<string[]>('enter.1'),
    leave: script('leave.1'),
    markSent: script('mark_sent.1'),
    namePair: script('name_pair.2'),
  }
  const counters = ({ subject, purpose }: Send) => [keys.sends(subject), keys.ladder(subject, purpose)] as const
  const sendLimits = ({ policy, limited }: LimitedSend) => {
    const cooldowns = limited ? policy.cooldownsSeconds.map((seconds) => seconds * 1_000).join(',') : ''
    return [clockOffsetMs(), budgets.sendsPerHour, budgets.sendsPerDay, cooldowns] as const
  }
  const behind = <S extends Send>(send: S): S => ({ ...send, subject: keys.behind(send.subject) })
  /** Who opened it, and its known devices: a stranger's cooldown is not theirs to clear, or it would tell of them. */
  const openersOf = ({ subject, known }: Opener) => {
    const devices = keys.known(subject)
    return [known ? devices : subject, devices] as const
  }
  const wrongLimits = [budgets.wrongPerHour, budgets.wrongPerDay] as const

  return {
    async read(id: string): Promise<Read | undefined> {
      const [now, ...pairs] = await lua.read(keys.challenge(id), clockOffsetMs())
      return pairs.length === 0 ? undefined : { now: Number(now), record: toRecord(pairs) }
    },
    open: (
      id: string,
      send: LimitedSend,
      { isNotice, mayStayUnsent, fields }: { isNotice: boolean; mayStayUnsent: boolean; fields: Record },
    ) =>
      lua.open(
        keys.challenge(id),
        ...counters(send),
        keys.notice(send.subject),
        keys.sends(keys.behind(send.subject)),
        ...sendLimits(send),
        send.policy.codeLifeSeconds * 1_000,
        send.messageId,
        isNotice ? '1' : '0',
        mayStayUnsent ? '1' : '0',
        ...Object.entries(fields).flat(),
      ),
    async cancel(id: string, send: Send, { refund }: { refund: boolean }): Promise<void> {
      await lua.cancel(
        keys.challenge(id),
        ...counters(send),
        keys.notice(send.subject),
        send.messageId,
        refund ? '1' : '0',
      )
    },
    /** Of the phone behind a name: whether its message may go. */
    async spend(send: LimitedSend): Promise<boolean> {
      const named = behind(send)
      const all = [named, send].flatMap((one) => [...counters(one), keys.wrong(one.subject)])
      return (await lua.spend(...all, ...sendLimits(send), send.messageId, ...wrongLimits)) === 1
    },
    async unspend(send: Send): Promise<void> {
      await lua.refund(...counters(behind(send)), send.messageId)
    },
    async refund(send: Send): Promise<void> {
      await lua.refund(...counters(send), send.messageId)
    },
    claim: (
      id: string,
      subject: Subject,
      { generation, mac, owner, wrongField }: { generation: number; mac: string; owner: string; wrongField: string },
    ) =>
      lua.claim(
        keys.challenge(id),
        keys.wrong(subject),
        clockOffsetMs(),
        generation,
        mac,
        owner,
        claimLeaseMs,
        ...wrongLimits,
        wrongField,
      ),
    async countWrong(subject: Subject, owner: string): Promise<void> {
      await lua.countWrong(keys.wrong(subject), clockOffsetMs(), owner)
    },
    wrongRoom: (subject: Subject) => lua.wrongRoom(keys.wrong(subject), clockOffsetMs(), ...wrongLimits),
    async settle(id: string, opened: Opener, purpose: Purpose): Promise<void> {
      const [opener, devices] = openersOf(opened)
      await lua.settle(keys.challenge(id), keys.ladder(opener, purpose), keys.ladder(devices, purpose))
    },
    /** Of the phone behind a name, after a success. */
    async clearBehind(opened: Opener, purpose: Purpose): Promise<void> {
      const ladders = openersOf(opened).map((subject) => keys.ladder(keys.behind(subject), purpose))
      await orUnavailable(() => redis.del(...ladders))
    },
    async release(id: string, owner: string): Promise<void> {
      await lua.release(keys.challenge(id), owner)
    },
    refuse: (id: string, subject: Subject, owner: string) =>
      lua.refuse(keys.challenge(id), keys.wrong(subject), clockOffsetMs(), owner),
    resend: (
      id: string,
      send: LimitedSend,
      { generation, mac, box, quiet }: { generation: number; mac: string; box: string; quiet: boolean },
    ) =>
      lua.resend(
        keys.challenge(id),
        ...counters(send),
        keys.sends(keys.behind(send.subject)),
        ...sendLimits(send),
        generation,
        send.messageId,
        mac,
        box,
        send.policy.resend,
        quiet ? '1' : '0',
      ),
    async unsend(id: string, send: Send, before: Record): Promise<void> {
      await lua.unsend(keys.challenge(id), ...counters(send), send.messageId, ...Object.entries(before).flat())
    },
    /** Whatever could still be answered of it. */
    async end(id: string, state: 'superseded' | 'cancelled'): Promise<void> {
      await lua.end(keys.challenge(id), state)
    },
    takeSend: (send: LimitedSend) => lua.takeSend(...counters(send), ...sendLimits(send), send.messageId),
    decoy: (id: string, { lifeMs, anew, fields }: { lifeMs: number; anew: boolean; fields: Record }) =>
      lua.decoy(keys.challenge(id), clockOffsetMs(), lifeMs, anew ? '1' : '0', ...Object.entries(fields).flat()),
    entries: (address: Subject) => orUnavailable(() => redis.get(keys.index(address))),
    enter: (address: Subject, id: string, { client, registrationId, sent, expiresAt }: NewEntry) =>
      lua.enter(
        keys.index(address),
        clockOffsetMs(),
        id,
        client,
        registrationId,
        sent ? '1' : '0',
        expiresAt.getTime(),
      ),
    async namePair(address: Subject, client: string, pair: string, lifeMs: number): Promise<void> {
      await lua.namePair(keys.lastPair(address), keys.lastPair(address, client), pair, lifeMs)
    },
    async lastPair(address: Subject, client: string): Promise<string | undefined> {
      const named = [keys.lastPair(address, client), keys.lastPair(address)]
      const [own, anybodys] = await orUnavailable(() => redis.mget(named))
      return own ?? anybodys ?? undefined
    },
    async leave(address: Subject, id: string): Promise<void> {
      await lua.leave(keys.index(address), clockOffsetMs(), id)
    },
    async markSent(address: Subject, id: string, expiresAt: Date): Promise<void> {
      await lua.markSent(keys.index(address), clockOffsetMs(), id, expiresAt.getTime())
    },
  }
}

export type ChallengeScripts = ReturnType<typeof createChallengeScripts>
