import { decoyPrefix } from '@latchkey/contracts/delivery'
import type { LoggedMessage } from '../deliveries/deliveries.service.js'
import type { TraceRow } from './traces.repository.js'
import { inWords, limitWords, messageWords, outcomeWords, reasonWords } from './words.js'

/** Everything that is known of one challenge, or of one refusal. */
export interface Known {
  /** In order. */
  readonly events: readonly TraceRow[]
  /** In order; events of a gateway may have been lost, and these not. */
  readonly messages: readonly LoggedMessage[]
  /** When a right answer had its effect. */
  readonly usedAt: Date | undefined
  readonly now: Date
}

/** One thing that happened, in words. */
export interface Happening {
  readonly at: Date
  readonly says: string
}

/** All that happened about one challenge, in order: what the gateway decided, what became of its messages, and its end. */
export function happenings({ events, messages, usedAt }: Known): Happening[] {
  const things = [
    ...events.map((event) => ({ at: event.at, says: decided(event) })),
    ...messages.flatMap((message) => [...tries(message), ...receipts(message), ...endings(message)]),
    ...(usedAt === undefined ? [] : [{ at: usedAt, says: 'verified: the code had its effect' }]),
  ]
  return things.sort((a, b) => a.at.getTime() - b.at.getTime())
}

function decided(event: TraceRow): string {
  const { kind, route, request_id: request, message_id: message, attempts_left: left } = event
  const asked = `${route} asked for a code, ${event.purpose ?? 'for what is not known'}${event.face === null ? '' : ` at ${event.face}`}${event.channel === null ? '' : ', by mail'} (request ${request})`
  const limit = event.hit === null ? '' : limitWords[event.hit]
  const until = event.until === null ? '' : `, until ${event.until.toISOString()}`
  switch (kind) {
    case 'opened': {
      const what = event.says === null || event.says === 'code' ? '' : `: ${messageWords[event.says]}`
      return `${asked}${what}${event.sent === false ? '; inside a cooldown, so nothing is sent yet' : ''}`
    }
    case 'queued':
      return `message ${message ?? ''} is in the queue`
    case 'not_queued':
      return 'the queue was away: the caller read 503'
    case 'sent_again':
      return `${route} asked for it again (request ${request}): message ${message ?? ''}, code ${event.generation ?? 1} of this challenge`
    case 'refused':
      return `${route} asked and got nothing (request ${request}): ${limit}${until}`
    case 'wrong':
      return `a wrong answer (request ${request}); ${left ?? 0} left`
    case 'unread':
      return `an answer was not compared: ${limit}${until}`
    case 'right':
      return `the right answer (request ${request})`
    case 'given_back':
      return 'the right answer could not have its effect; the code stays good'
  }
}

/** Of a message that was for nobody no carrier was asked, though the log looks so. */
const isPlayed = ({ provider }: { provider: string }): boolean => provider.startsWith(decoyPrefix)

function tries({ attempts }: LoggedMessage): Happening[] {
  return attempts.map((attempt) => {
    const { provider, number, outcome, carrier_code: code, says, started_at: began, ended_at: ended } = attempt
    if (isPlayed(attempt)) return { at: ended, says: 'the worker sent nothing, and played that it did' }
    const meaning = [code, says].filter((part) => part !== null).join(': ')
    const took = inWords(ended.getTime() - began.getTime())
    return {
      at: ended,
      says: `${provider}, try ${number}: ${outcomeWords[outcome]}${meaning === '' ? '' : ` (${meaning})`}, after ${took}`,
    }
  })
}

const receiptWords = { accepted: 'it has the message', delivered: 'delivered', undelivered: 'not delivered' } as const

function receipts({ receipts: told }: LoggedMessage): Happening[] {
  return told
    .filter((receipt) => !isPlayed(receipt))
    .map(({ provider, state, carrier_code: code, says, reason, segments, price, currency, at }) => {
      const meaning = [code, says ?? (reason === null ? null : reasonWords[reason])].filter((part) => part !== null)
      const cost = price === null ? '' : `, ${Number(price)} ${currency ?? ''}`
      const size = segments === null ? '' : `, ${segments} segment${segments === 1 ? '' : 's'}`
      return {
        at,
        says: `${provider} reports: ${receiptWords[state]}${meaning.length > 0 ? ` (${meaning.join(': ')})` : ''}${size}${cost}`,
      }
    })
}

/** Ends that no attempt and no receipt tells. */
function endings({ state, reason, last_at: at, attempts }: LoggedMessage): Happening[] {
  if (state === 'expired_unsent') return [{ at, says: 'dropped: its code ended before a carrier could take it' }]
  if (state === 'superseded_unsent') return [{ at, says: 'dropped: the code was used or replaced before its turn' }]
  if (state === 'failed') return [{ at, says: `given up: ${reasonWords[reason ?? 'carrier_failed']}` }]
  if (state === 'rejected' && attempts.length === 0)
    return [{ at, says: `not sent: ${reasonWords[reason ?? 'carrier_failed']}` }]
  if (state === 'unconfirmed') return [{ at, says: 'no receipt came within a day' }]
  return []
}
