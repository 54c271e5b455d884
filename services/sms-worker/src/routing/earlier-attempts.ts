import type { Address } from '@latchkey/contracts/address'
import type { Listed, SmsMessage } from '../providers/provider.js'
import type { AttemptFence, FencedAttempt, FenceView } from './attempt-fence.js'
import type { Lane } from './lane.js'

/** A message that a carrier took shows up in its list within this time; a list may lag, so absence proves nothing. */
export const lookUpAfterMs = 2_000
/** For attempts of a provider that is no longer configured. */
const longestTimeoutMs = 10_000
/** What the carrier's clock and ours may differ by. Sends of one purpose to one number are further apart. */
const clockSkewMs = 15_000

/** A worker that closes leaves its next call to another. */
export const handOverMs = 100

const timeoutMs = (lane: Lane | undefined) => lane?.provider.timeoutMs ?? longestTimeoutMs

/** How long an attempt without an outcome may still be under way in another worker; 0 where none can be. */
function busyForMs(view: FenceView, laneNamed: (name: string) => Lane | undefined): number {
  const waits = view.attempts
    .filter(({ result }) => result === undefined)
    .map(({ provider, startedAtMs }) => startedAtMs + timeoutMs(laneNamed(provider)) + lookUpAfterMs - view.nowMs)
  return Math.max(0, ...waits)
}

/** The message whose attempts are looked up; without `to` no carrier can be asked. */
export type Sought = Pick<SmsMessage, 'id' | 'body'> & { readonly to?: Address }

interface Search {
  readonly fence: AttemptFence
  readonly message: Sought
  readonly view: FenceView
  readonly laneNamed: (name: string) => Lane | undefined
  readonly closing: AbortSignal
}

/** Finds out what became of all earlier attempts that may have been taken, as far as their providers can be asked; returns ms to wait where it is too early. */
export async function resolveEarlier({
  fence,
  message,
  view,
  laneNamed,
  closing,
}: Search): Promise<{ waitMs: number }> {
  const busyMs = busyForMs(view, laneNamed)
  if (busyMs > 0) return { waitMs: busyMs }
  await giveUpLost(fence, message.id, view)
  const open = view.attempts.filter(({ result }) => result === undefined || result.outcome === 'unknown')
  const { to } = message
  const askable = open.filter(({ provider }) => to !== undefined && laneNamed(provider)?.provider.list !== undefined)
  const waitMs = Math.max(
    0,
    ...askable.map(({ result }) => (result === undefined ? 0 : result.endedAtMs + lookUpAfterMs - view.nowMs)),
  )
  if (waitMs > 0) return { waitMs }
  for (const name of new Set(askable.map(({ provider }) => provider))) {
    if (closing.aborted) return { waitMs: handOverMs }
    const lane = laneNamed(name)
    const attempts = askable.filter(({ provider }) => provider === name)
    if (lane !== undefined && to !== undefined)
      await lookUp(lane, attempts, { fence, message: { ...message, to }, nowMs: view.nowMs })
  }
  return { waitMs: 0 }
}

/** Attempts whose worker died before it wrote down an outcome become `unknown`. */
export async function giveUpLost(fence: AttemptFence, messageId: string, view: FenceView): Promise<void> {
  for (const { number, result } of view.attempts)
    if (result === undefined)
      await fence.record(messageId, {
        number,
        outcome: { outcome: 'unknown' },
        endedAtMs: view.nowMs,
        by: 'finder',
      })
}

interface LookUp {
  readonly fence: AttemptFence
  readonly message: Sought & { readonly to: Address }
  readonly nowMs: number
}

/** One call for all attempts at one provider. What is not found stays unknown: the list may lag. */
async function lookUp(
  lane: Lane,
  attempts: readonly FencedAttempt[],
  { fence, message, nowMs }: LookUp,
): Promise<void> {
  const first = Math.min(...attempts.map(({ startedAtMs }) => startedAtMs))
  const listed = (await lane.list(message.to, new Date(first - clockSkewMs))) ?? []
  for (const { number, startedAtMs, result } of attempts) {
    const endedAtMs = result?.endedAtMs ?? nowMs
    for (const { providerMessageId } of candidates(listed, message.body, startedAtMs, timeoutMs(lane))) {
      const outcome = { outcome: 'accepted', providerMessageId } as const
      // Refused where this one is known to belong to another attempt.
      const { written } = await fence.record(message.id, { number, endedAtMs, by: 'finder', outcome })
      if (written) break
    }
  }
}

/** Those that may come from an attempt, likeliest first. Carriers change texts (trial prefix, redaction, encoding), so the text only chooses among several. */
function candidates(listed: readonly Listed[], body: string, startedAtMs: number, callMs: number): Listed[] {
  const near = listed.filter(({ at }) => {
    const lateMs = at.getTime() - startedAtMs
    return lateMs >= -clockSkewMs && lateMs <= callMs + clockSkewMs
  })
  const same = near.filter((candidate) => candidate.body.includes(body.trim()))
  const distance = ({ at }: Listed) => Math.abs(at.getTime() - startedAtMs)
  return (same.length > 0 ? same : near).sort((a, b) => distance(a) - distance(b))
}
