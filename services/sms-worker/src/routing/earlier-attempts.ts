import type { SmsMessage } from '../providers/provider.js'
import type { AttemptFence, FencedAttempt, FenceView } from './attempt-fence.js'
import type { Lane } from './lane.js'

/** A message that a carrier took shows up in its list within this time. */
export const lookUpAfterMs = 2_000
/** For attempts of a provider that is no longer configured. */
const longestTimeoutMs = 10_000

const timeoutMs = (lane: Lane | undefined) => lane?.provider.timeoutMs ?? longestTimeoutMs

/** How long an attempt without an outcome may still be under way in another worker; 0 where none can be. */
export function busyForMs(view: FenceView, laneNamed: (name: string) => Lane | undefined): number {
  const waits = view.attempts
    .filter(({ result }) => result === undefined)
    .map(({ provider, startedAtMs }) => startedAtMs + timeoutMs(laneNamed(provider)) + lookUpAfterMs - view.nowMs)
  return Math.max(0, ...waits)
}

interface Search {
  readonly fence: AttemptFence
  readonly message: SmsMessage
  readonly view: FenceView
  readonly laneNamed: (name: string) => Lane | undefined
}

/** Finds out what became of earlier attempts that may have been taken, as far as their providers can be asked; returns ms to wait where it is too early. */
export async function resolveEarlier({ fence, message, view, laneNamed }: Search): Promise<{ waitMs: number }> {
  const busyMs = busyForMs(view, laneNamed)
  if (busyMs > 0) return { waitMs: busyMs }
  for (const attempt of view.attempts) {
    const { number, result } = attempt
    const endedAtMs = result?.endedAtMs ?? view.nowMs
    if (result === undefined)
      await fence.record(message.id, { number, outcome: { outcome: 'unknown' }, endedAtMs, by: 'finder' })
    else if (result.outcome !== 'unknown') continue
    const lane = laneNamed(attempt.provider)
    const waitMs = result === undefined ? 0 : endedAtMs + lookUpAfterMs - view.nowMs
    if (lane?.provider.find === undefined) continue
    if (waitMs > 0) return { waitMs }
    await lookUp(lane, attempt, { fence, message, endedAtMs })
  }
  return { waitMs: 0 }
}

interface LookUp {
  readonly fence: AttemptFence
  readonly message: SmsMessage
  readonly endedAtMs: number
}

async function lookUp(
  { provider }: Lane,
  attempt: FencedAttempt,
  { fence, message, endedAtMs }: LookUp,
): Promise<void> {
  const { number } = attempt
  const found = await provider.find?.(message, new Date(attempt.startedAtMs)).then(
    (providerMessageId) => ({ providerMessageId }),
    () => undefined,
  )
  // It could not be asked: unknown it stays.
  if (found === undefined) return
  const { providerMessageId } = found
  await fence.record(message.id, {
    number,
    endedAtMs,
    by: 'finder',
    outcome:
      providerMessageId === undefined
        ? { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: 'absent' }
        : { outcome: 'accepted', providerMessageId },
  })
}
