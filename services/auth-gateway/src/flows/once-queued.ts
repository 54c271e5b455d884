import { setTimeout as sleep } from 'node:timers/promises'
import type { Resent } from '../challenges/challenge.js'
import { tooSoon } from './accounts.js'
import type { SmsQueue } from './ports.js'

/** Longer than a send takes to its job on a busy machine, and short of what a caller waits. */
const onItsWayMs = 600
const lookAgainMs = 50

/**
 * Sends again. Inside the cooldown it throws `rate.limited`, unless the last message is lost: a gateway that died between challenge and queue
 * left one that never went out. Another resend may be there at this moment, and may yet be refused and taken back: it is waited for, else its
 * neighbours would add a message that no budget was asked for.
 */
export async function onceQueued(resend: () => Promise<Resent>, sms: Pick<SmsQueue, 'has'>): Promise<Resent> {
  const end = performance.now() + onItsWayMs
  for (;;) {
    const resent = await resend()
    if (resent.verdict !== 'cooling') return resent
    if (!resent.challenge.sent || (await sms.has(resent.challenge.messageId))) throw tooSoon(resent.retryAt)
    if (performance.now() >= end) return resent
    await sleep(lookAgainMs)
  }
}
