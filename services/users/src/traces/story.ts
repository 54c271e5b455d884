import type { Story, StoryEnd } from '@latchkey/contracts/admin/messages'
import { decoyPrefix } from '@latchkey/contracts/delivery'
import { Purpose } from '@latchkey/contracts/v1/shapes'
import { Value } from 'typebox/value'
import type { LoggedMessage } from '../deliveries/deliveries.service.js'
import { happenings, type Known } from './happenings.js'
import type { TraceRow } from './traces.repository.js'
import { inWords, limitWords, messageWords, reasonWords } from './words.js'

interface Answer {
  readonly end: StoryEnd
  readonly answer: string
}

/** The story of one code, from the request for it on; undefined where nothing is known. */
export function tellStory(known: Known): Story | undefined {
  const { events, messages } = known
  const things = happenings(known)
  const [first] = things
  if (first === undefined) return undefined
  const value = <K extends keyof TraceRow>(name: K) => events.find((event) => event[name] !== null)?.[name] ?? null
  const purpose = value('purpose') ?? messages[0]?.purpose
  const ids = [...events.map(({ message_id: id }) => id), ...messages.map(({ id }) => id)]
  const requests = [...events.map(({ request_id: id }) => id), ...messages.map(({ request_id: id }) => id)]
  return {
    at: first.at.toISOString(),
    phone: value('last_two'),
    email: shownEmail(value('email_first')),
    country: value('country') ?? messages[0]?.country ?? null,
    purpose: Value.Check(Purpose, purpose) ? purpose : null,
    face: value('face'),
    challengeId: value('challenge_id') ?? messages[0]?.challenge_id ?? null,
    messageIds: [...new Set(ids.filter((id) => id !== null))],
    requestIds: [...new Set(requests)],
    ...answerOf(known),
    lines: things.map(({ at, says }) => ({
      at: at.toISOString(),
      ms: at.getTime() - first.at.getTime(),
      says,
    })),
  }
}

/** No domain: it may be the name of one person. */
const shownEmail = (first: string | null): string | null => (first === null ? null : `${first}•••@•••`)

function answerOf({ events, messages, usedAt, now }: Known): Answer {
  const begun = events[0]?.at ?? messages[0]?.first_at ?? now
  const opened = events.find(({ kind }) => kind === 'opened')
  const last = messages.at(-1)
  if (usedAt !== undefined) {
    const took = inWords(usedAt.getTime() - begun.getTime())
    return { end: 'verified', answer: `The code arrived: it was answered rightly ${took} after it was asked for.` }
  }
  if (opened?.says === 'decoy') return { end: 'decoy', answer: `Nothing was sent: ${messageWords.decoy}.` }
  if (opened?.says === 'account_exists') return { end: 'notice', answer: `No code: ${messageWords.account_exists}.` }
  if (last !== undefined) return afterSend(last, { events, messages, usedAt, now })
  if (opened === undefined) return refusalOf(events)
  if (opened.sent === false)
    return {
      end: 'unsent',
      answer: 'Nothing was sent yet: it was opened inside a cooldown, and waits to be asked for again.',
    }
  if (!events.some(({ kind }) => kind === 'queued'))
    return {
      end: 'not_queued',
      answer: 'Nothing was sent: the queue was away, and the caller was told to come again (503).',
    }
  return { end: 'under_way', answer: 'The message waits in the queue: no worker has taken it yet.' }
}

function refusalOf(events: readonly TraceRow[]): Answer {
  const refusal = events.find(({ hit }) => hit !== null)
  const why = refusal?.hit === undefined || refusal.hit === null ? 'nothing more is known' : limitWords[refusal.hit]
  const until = refusal?.until ? ` It may be asked for again at ${refusal.until.toISOString()}.` : ''
  return { end: 'refused', answer: `No code was sent: ${why}.${until}` }
}

/** What a message came to, where nobody has answered its code rightly. */
function afterSend(message: LoggedMessage, { events, now }: Known): Answer {
  const { state, reason, attempts } = message
  const attempt = attempts.at(-1)
  if (attempts.length > 0 && attempts.every(({ provider }) => provider.startsWith(decoyPrefix)))
    return {
      end: 'decoy',
      answer: 'Nothing was sent: the message was for nobody, or was not to be sent again so soon.',
    }
  const why = saidOf(message) ?? (reason === null ? undefined : reasonWords[reason])
  const because = why === undefined ? '.' : `: ${why}.`
  const carrier = attempt?.provider ?? 'the carrier'
  switch (state) {
    case 'delivered':
      return { end: state, answer: `The code arrived, says ${carrier}${unanswered(events, now)}.` }
    case 'accepted':
    case 'unknown':
    case 'unconfirmed':
      return {
        end: 'sent',
        answer: `${state === 'unknown' ? `${carrier} may have taken the message` : `${carrier} took the message`}, and has not said that it arrived${unanswered(events, now)}.`,
      }
    case 'undelivered':
      return { end: state, answer: `${carrier} could not deliver the message${because}` }
    case 'rejected':
      return { end: state, answer: `The message was refused${because}` }
    case 'failed':
      return { end: state, answer: `No carrier took the message${because}` }
    case 'expired_unsent':
      return { end: state, answer: 'Nothing was sent: its code ended before a carrier could take it.' }
    case 'superseded_unsent':
      return { end: state, answer: 'Nothing was sent: the code was used, or replaced by a newer one, before its turn.' }
    case 'queued':
    case 'sending':
      return { end: 'under_way', answer: `The message is under way${because}` }
  }
}

function unanswered(events: readonly TraceRow[], now: Date): string {
  const wrong = events.filter(({ kind }) => kind === 'wrong').length
  const until = events.findLast((event) => event.until !== null && event.hit === null)?.until
  const over = until !== undefined && until !== null && until < now
  if (wrong > 0)
    return `; ${wrong} wrong answer${wrong === 1 ? '' : 's'}, no right one${over ? ', and its time is over' : ''}`
  return over ? '; nobody answered it in time' : '; nobody has answered it yet'
}

/** What the carrier's own code means, of the receipt that decided, else of the last attempt. */
function saidOf({ receipts, attempts }: LoggedMessage): string | undefined {
  const said = [...receipts].reverse().find(({ says }) => says !== null)?.says
  return said ?? attempts.findLast(({ says }) => says !== null)?.says ?? undefined
}
