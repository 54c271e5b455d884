import { randomUUID } from 'node:crypto'
import { type deliveryEventQueue, type QueueAct, queueActJobId } from '@latchkey/contracts/queues/delivery-event'
import type { Producer } from '@latchkey/kit/queue'

/** Who wants something done with a queue, and why, as the audit names him. */
export interface Doer {
  readonly actor: string
  readonly why?: string
}

/** Has users write an act of an operator into the audit. Before it is done: what cannot be told, which throws `unavailable`, is not done. */
export type TellAct = (act: Omit<QueueAct, 'v' | 'kind' | 'id' | 'at'>) => Promise<void>

export function createTellAct(tell: Pick<Producer<typeof deliveryEventQueue.payload>, 'add'>): TellAct {
  return async function tellAct(act) {
    const told: QueueAct = { v: 4, kind: 'act', id: randomUUID(), ...act, at: new Date().toISOString() }
    await tell.add(queueActJobId(told), told)
  }
}
