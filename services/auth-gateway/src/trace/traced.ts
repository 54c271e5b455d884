import { AppError } from '@latchkey/kit/app-error'
import type { SmsBudget } from '../abuse/sms-budget.js'
import type { Answered, ChallengeStore, NewChallenge, Opened, Resent } from '../challenges/challenge.js'
import type { ChallengePolicy } from '../flows/policy.js'
import type { RefuseStopped, SmsQueue } from '../flows/ports.js'
import type { ReadPhone } from '../phones/canonical-phone.js'
import { phoneInHand, rememberPhone } from './request-in-hand.js'
import type { Trace } from './trace.js'

/** Which of the two says when the next message may go: no cooldown is longer than its policy's longest. */
function limitOf({ cooldownsSeconds }: ChallengePolicy, retryAt: Date): 'cooldown' | 'budget' {
  return retryAt.getTime() - Date.now() > Math.max(...cooldownsSeconds) * 1_000 ? 'budget' : 'cooldown'
}

/** A store whose decisions are noted. It decides as before, and nobody waits for the note. */
export function tracedChallenges<S extends ChallengeStore>(store: S, trace: Trace): S {
  function noteOpened({ message, subject, ...wanted }: NewChallenge, opened: Opened): void {
    const { purpose, face, country, policy } = wanted
    const channel = wanted.channel === 'email' ? { channel: wanted.channel } : {}
    // A code for an e-mail may go to the phone behind it: who asks about either is told.
    const about = message.kind === 'decoy' ? [subject] : [message.to, subject]
    if (opened.verdict === 'cooling') {
      const until = opened.retryAt.toISOString()
      const limit = limitOf(policy, opened.retryAt)
      // However often it is asked for before that, it is one refusal.
      return trace.note({
        kind: 'refused',
        about,
        purpose,
        face,
        country,
        ...channel,
        limit,
        until,
        once: [subject, purpose, until],
      })
    }
    const { id: challengeId, messageId, expiresAt, sent, generation } = opened.challenge
    trace.note({
      kind: 'opened',
      about,
      purpose,
      face,
      country,
      ...channel,
      challengeId,
      messageId,
      generation,
      sent,
      says: message.kind,
      until: expiresAt.toISOString(),
    })
  }

  function noteResent(challengeId: string, policy: ChallengePolicy, resent: Resent): void {
    if (resent.verdict === 'resent') {
      const { messageId, purpose, face, country, generation, expiresAt } = resent.challenge
      const until = expiresAt.toISOString()
      trace.note({ kind: 'sent_again', challengeId, messageId, purpose, face, country, generation, until })
    } else if (resent.verdict === 'cooling' || resent.verdict === 'spent') {
      const until = resent.retryAt.toISOString()
      const limit = resent.verdict === 'spent' ? 'resends' : limitOf(policy, resent.retryAt)
      trace.note({ kind: 'refused', challengeId, limit, until, once: [challengeId, limit, until] })
    }
  }

  function noteAnswer(challengeId: string, answered: Answered): void {
    switch (answered.verdict) {
      case 'wrong':
        return trace.note({ kind: 'wrong', challengeId, attemptsLeft: answered.attemptsLeft })
      case 'claimed':
        return trace.note({ kind: 'right', challengeId })
      case 'limited': {
        const until = answered.retryAt.toISOString()
        const limit = answered.budget === undefined ? 'network' : 'budget'
        return trace.note({ kind: 'unread', challengeId, limit, until, once: [challengeId, limit, until] })
      }
      // Whoever names a challenge that is not there, or has ended, may do so without end: nothing is kept of it.
      case 'exhausted':
      case 'gone':
      case 'held':
        return undefined
    }
  }

  return {
    ...store,
    async open(wanted) {
      const opened = await store.open(wanted)
      noteOpened(wanted, opened)
      return opened
    },
    async resend(id, face, policy, ...rest) {
      const resent = await store.resend(id, face, policy, ...rest)
      noteResent(id, policy, resent)
      return resent
    },
    async answer(id, ...rest) {
      const answered = await store.answer(id, ...rest)
      noteAnswer(id, answered)
      return answered
    },
    async release(claim) {
      trace.note({ kind: 'given_back', challengeId: claim.id })
      await store.release(claim)
    },
    async refuse(claim) {
      const attemptsLeft = await store.refuse(claim)
      trace.note({ kind: 'wrong', challengeId: claim.id, attemptsLeft })
      return attemptsLeft
    },
  }
}

/** A way to the worker whose messages are noted, gone or not. */
export const tracedSms = (sms: SmsQueue, trace: Trace): SmsQueue => ({
  ...sms,
  async send(message, caller) {
    const { challengeId, messageId } = message
    try {
      await sms.send(message, caller)
      trace.note({ kind: 'queued', challengeId, messageId })
    } catch (error) {
      if (error instanceof AppError) trace.note({ kind: 'not_queued', challengeId, messageId })
      throw error
    }
  },
})

const ofFiveMinutes = (): number => Math.floor(Date.now() / 300_000)

/** A guard whose refusals are noted: of one number, or one challenge, one in five minutes, after which it may be asked for again. */
export const tracedBudget = (budget: SmsBudget, trace: Trace): SmsBudget => ({
  ...budget,
  async take(phone, by) {
    const judged = await budget.take(phone, by)
    if (judged.refused && phone !== null) {
      const { e164, country } = phone
      trace.note({ kind: 'refused', about: [e164], country, limit: 'guard', once: [e164, ofFiveMinutes()] })
    }
    return judged
  },
  async again(challenge, by) {
    const judged = await budget.again(challenge, by)
    const { id: challengeId } = challenge
    if (judged.refused)
      trace.note({ kind: 'refused', challengeId, limit: 'guard', once: [challengeId, 'guard', ofFiveMinutes()] })
    return judged
  },
})

/** A parser whose phone the notes of a request are about, where what is decided names none. */
export const tracedPhones =
  (readPhone: ReadPhone): ReadPhone =>
  (text, path) => {
    const phone = readPhone(text, path)
    rememberPhone(phone.e164)
    return phone
  }

/** Stops of operators that are noted, for the challenge that was to be sent again, else for the phone that was typed: one an hour. */
export const tracedStops =
  (refuseStopped: RefuseStopped, trace: Trace): RefuseStopped =>
  async (wanted) => {
    try {
      await refuseStopped(wanted)
    } catch (error) {
      const { challengeId } = wanted
      const phone = phoneInHand()
      const name = challengeId ?? phone
      if (error instanceof AppError && name !== undefined) {
        const of = challengeId === undefined ? { about: [name] } : { challengeId }
        const until = error.members.retryAt === undefined ? {} : { until: error.members.retryAt.toISOString() }
        const once = [name, 'stopped', Math.floor(Date.now() / 3_600_000)]
        trace.note({ kind: 'refused', ...of, limit: 'stopped', ...until, once })
      }
      throw error
    }
  }
