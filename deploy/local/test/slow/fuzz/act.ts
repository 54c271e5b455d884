import { notTheCode } from '../../dialects/scene.js'
import type { Answer } from '../../journey/journey.js'
import { deadToken, liveToken, type Person, type Trace } from './person.js'

/** A request of somebody, before it goes over the wire. */
export interface Sent {
  /** Where it is not the operation's own. */
  readonly path?: string
  readonly body?: unknown
  readonly token?: string | undefined
  /** Why it cannot succeed, where that is certain. */
  readonly never?: string
}

export interface Tools {
  /** By the clock of challenges: at least this late. */
  now(): number
  /** The same: at most this late. */
  latest(): number
  /** The code that a phone got last. */
  readCode(phone: string): Promise<string | undefined>
  /** The way to undo a change, from the message to the old phone. */
  readUndo(phone: string): Promise<string | undefined>
}

export type Learn = (who: Person, answer: Answer, sent: Sent, tools: Tools) => void

/** One operation as somebody uses it. */
export interface Act {
  readonly op: string
  /** As a front end asks when all is well. */
  right(who: Person, tools: Tools): Promise<Sent> | Sent
  /** With a secret that opens nothing. */
  wrong?(who: Person): Sent
  /** With a secret that did open something once; undefined where there is none yet. */
  spent?(who: Person): Sent | undefined
  /** What a success tells. */
  readonly learn?: Learn
  /** What a refusal of a wrong secret tells. */
  missed?(who: Person): void
  /** What a success is followed by: the code that is to be looked for in the inbox. */
  readonly sends?: string
}

interface Life {
  readonly lifeSeconds: number
  /** Wrong answers from one network. */
  readonly most: number
}

/** A call that sends a code, to be found by the person's own phone; all that was known of earlier ones is forgotten. */
export function sending(slots: readonly string[], { lifeSeconds, most }: Life, act: Act): Act {
  return {
    ...act,
    sends: slots[0] ?? '',
    learn(who, answer, sent, tools) {
      const endsAt = tools.latest() + lifeSeconds * 1_000
      for (const slot of slots) who.traces.set(slot, { to: who.phone, endsAt, wrong: 0, most })
      act.learn?.(who, answer, sent, tools)
    },
  }
}

const anyCode = '000001'

function whyNever(trace: Trace | undefined, now: number): string | undefined {
  if (trace === undefined) return undefined
  if (now > trace.endsAt) return 'the code has expired'
  if (trace.wrong >= trace.most) return 'its wrong answers are spent'
  return trace.code !== undefined && trace.code === trace.used ? 'the code was used' : undefined
}

/** A call that answers a code. */
export function answering(slot: string, op: string, send: (who: Person, code: string) => Sent, learn?: Learn): Act {
  return {
    op,
    async right(who, tools) {
      const trace = who.traces.get(slot)
      if (trace !== undefined && trace.code === undefined) {
        const code = await tools.readCode(trace.to)
        if (code !== undefined) trace.code = code
      }
      const never = whyNever(trace, tools.now())
      return { ...send(who, trace?.code ?? anyCode), ...(never !== undefined && { never }) }
    },
    wrong: (who) => send(who, notTheCode(who.traces.get(slot)?.code ?? '')),
    spent(who) {
      const used = who.traces.get(slot)?.used
      return used === undefined ? undefined : send(who, used)
    },
    learn(who, answer, sent, tools) {
      const trace = who.traces.get(slot)
      if (trace?.code !== undefined) trace.used = trace.code
      learn?.(who, answer, sent, tools)
    },
    missed(who) {
      const trace = who.traces.get(slot)
      if (trace !== undefined) trace.wrong++
    },
  }
}

/** A call that a token of its face opens. */
export function signedIn(face: string, op: string, send: (who: Person) => Sent, learn?: Learn): Act {
  return {
    op,
    right: (who) => ({ ...send(who), token: liveToken(who, face) }),
    spent(who) {
      const token = deadToken(who, face)
      return token === undefined ? undefined : { ...send(who), token }
    },
    ...(learn !== undefined && { learn }),
  }
}
