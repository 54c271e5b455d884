import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLane, type Lane } from './lane.js'

/** Before the first message a carrier is assumed to be well, and to take this long. */
const typicalMs = 150

/**
 * Plays a lane without a call: what comes to it fares as the lane's last real message did, so nobody can tell by time or
 * state that the number has no account. Everything around it (fence, retries, look-ups, the log) is what real messages meet.
 */
export function createDecoyLane(lane: Lane): Lane {
  const { name, timeoutMs, endsAs, list } = lane.provider
  const restMs = endsAs === undefined ? typicalMs : 1
  const playedMs = (tookMs: number) => Math.min(timeoutMs, tookMs)
  return createLane(
    {
      name: `decoy-${name}`,
      timeoutMs,
      ...(endsAs !== undefined && { endsAs }),
      async send() {
        const { outcome, tookMs } = lane.lastSent() ?? { outcome: undefined, tookMs: restMs }
        await sleep(playedMs(tookMs))
        return outcome === undefined || outcome.outcome === 'accepted'
          ? { outcome: 'accepted', providerMessageId: randomUUID() }
          : outcome
      },
      ...(list !== undefined && {
        async list(_to, since) {
          const { ended, tookMs } = lane.lastLookedUp() ?? { ended: 'nothing', tookMs: restMs }
          await sleep(playedMs(tookMs))
          if (ended === 'failed') throw new Error('as the last look-up')
          return ended === 'found' ? [{ providerMessageId: randomUUID(), at: since, body: '' }] : []
        },
      }),
    },
    () => undefined,
  )
}
