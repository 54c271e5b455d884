import type { DeliveryReason } from '@latchkey/contracts/delivery'

/** Why Twilio could not deliver what it had taken (30001 …), in the reasons that people are told. */
const reasons: Readonly<Record<number, DeliveryReason>> = {
  // 30001 queue overflow, 30010 price limit, 30017 congestion, 30036 too old: the carrier's, and soon over.
  30002: 'misconfigured', // our account is suspended
  30003: 'unreachable',
  30004: 'blocked',
  30005: 'invalid_number',
  30006: 'not_mobile', // landline, or a carrier that cannot be reached
  30007: 'blocked', // filtered as spam
  30011: 'unreachable',
  30018: 'misconfigured', // the sender is not registered there
  30024: 'misconfigured', // the sender's id is not provisioned
  30032: 'misconfigured', // our toll-free number is not verified
  30034: 'misconfigured', // our number belongs to no registered campaign
  30038: 'blocked', // codes are filtered
  30410: 'unreachable',
  30440: 'unreachable',
  30450: 'blocked', // too many to this number
  30453: 'blocked', // held for a look
  30485: 'blocked',
  21211: 'invalid_number',
  21408: 'misconfigured',
  21610: 'opted_out',
  21612: 'blocked',
  21614: 'not_mobile',
}

/** The reason for a code of a failed message; without one that is known it is the carrier's. */
export const failureReason = (code: number | undefined): DeliveryReason =>
  (code === undefined ? undefined : reasons[code]) ?? 'carrier_failed'
