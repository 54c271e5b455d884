/** Lives of a message in the delivery log, lowest rank first. A state is only ever replaced by one of a higher rank. */
export const deliveryRanks = {
  queued: 0,
  sending: 1,
  unknown: 2,
  accepted: 3,
  delivered: 4,
  undelivered: 4,
  rejected: 4,
  failed: 4,
  expired_unsent: 4,
  superseded_unsent: 4,
  unconfirmed: 4,
} as const
