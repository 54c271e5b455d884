import { Type } from 'typebox'
import { deliveryRanks } from './v1/delivery-ranks.js'

export type DeliveryState = keyof typeof deliveryRanks
export const deliveryStates = Object.keys(deliveryRanks) as DeliveryState[]
export const DeliveryState = Type.Enum(deliveryStates)

/** What one call to a provider came to (docs/adr/0008-at-least-once-fenced.md). */
export const attemptOutcomes = ['accepted', 'rejected', 'not_sent', 'unknown'] as const
export type AttemptOutcome = (typeof attemptOutcomes)[number]
export const AttemptOutcome = Type.Enum([...attemptOutcomes])

/** Stands before a provider's name where a lane is played for nobody. */
export const decoyPrefix = 'decoy-'

/** Why a message did not arrive, in words for the person who waits for it. */
export const deliveryReasons = {
  invalid_number: 'The carrier says this is not a working number. Check it and try again.',
  not_mobile: 'This number cannot receive text messages. Use a mobile number.',
  unreachable: 'The phone could not be reached. Check that it is on and has signal, then send the code again.',
  opted_out: 'This number asked not to get messages from us. Text START to our number, then send the code again.',
  blocked: 'The carrier blocked the message. Try again later or use another number.',
  carrier_failed: 'The carrier could not take the message. Send the code again.',
  stopped: 'Messages like this one are not sent at the moment. Try again later.',
  no_mailbox: 'The mail server says that there is no such mailbox. Check the address and try again.',
  mail_refused: 'The mail server refused the message. Try again later or use another address.',
  misconfigured: 'Messages cannot be sent to this number at the moment. The operators have been told.',
} as const

export type DeliveryReason = keyof typeof deliveryReasons
export const DeliveryReason = Type.Enum(Object.keys(deliveryReasons) as DeliveryReason[])
