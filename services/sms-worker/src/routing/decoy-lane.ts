import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { decoyPrefix } from '@latchkey/contracts/delivery'
import type { Lane, LookedUp } from './lane.js'
import type { SmsProvider } from '../providers/provider.js'

/** Before the first message a carrier is assumed to be well, and to take this long. */
const typicalMs = 150

/**
 * Plays a lane without a call: what comes to it waits as long, finds the lane as open, and fares as the lane's last real message did,
 * so nobody can tell by time or state that the number has no account. Everything around it (routes, fence, retries, look-ups, the
 * log) is what real messages meet. It uses up no turn, makes no probe, and teaches the breaker nothing.
 */
export function createDecoyLane(lane: Lane): Lane {
  const { name, timeoutMs, endsAs, list } = lane.provider
  const restMs = endsAs === undefined ? typicalMs : 1
  const play = (tookMs: number) => sleep(Math.min(timeoutMs, tookMs))
  const provider: SmsProvider = {
    name: `${decoyPrefix}${name}`,
    timeoutMs,
    ...(endsAs !== undefined && { endsAs }),
    async send() {
      const { outcome, tookMs } = lane.lastSent() ?? { outcome: undefined, tookMs: restMs }
      await play(tookMs)
      return outcome === undefined || outcome.outcome === 'accepted'
        ? { ...outcome, outcome: 'accepted', providerMessageId: randomUUID() }
        : outcome
    },
    ...(list !== undefined && {
      async list(_to, since) {
        const { ended, tookMs }: LookedUp = lane.lastLookedUp() ?? { ended: 'nothing', tookMs: restMs }
        await play(tookMs)
        if (ended === 'failed') throw new Error('as the last look-up')
        return ended === 'found' ? [{ providerMessageId: randomUUID(), at: since, body: '' }] : []
      },
    }),
  }
  return {
    ...lane,
    provider,
    enter: lane.standing,
    turn: (wanted) => lane.turn({ ...wanted, uses: false }),
    async send(message) {
      const start = performance.now()
      const outcome = await provider.send(message)
      return { outcome, tookMs: Math.round(performance.now() - start) }
    },
    list: (to, since) => provider.list?.(to, since).catch(() => undefined) ?? Promise.resolve(undefined),
  }
}
