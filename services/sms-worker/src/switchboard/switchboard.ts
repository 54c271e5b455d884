import { copyFields } from '@latchkey/contracts/copy-record'
import type { SmsJob } from '@latchkey/contracts/queues/sms'
import { inForce, SwitchRecord, switchesKey } from '@latchkey/contracts/switch-record'
import { createCopiedList } from '@latchkey/kit/copied-list'
import type { Redis } from '@latchkey/kit/redis'

/** What operators have switched, at one moment. */
export interface Switched {
  /** Whether a lane may take a message that was queued then: a paused one takes none, one that drains those it had when it began to. */
  takes(lane: string, queuedAt: Date): boolean
  /** What an operator gave a lane instead of the weight of its route. */
  weightOf(lane: string): number | undefined
  /** Whether messages like this one are not to be sent at all. */
  stops(message: Pick<SmsJob, 'country' | 'purpose'>): boolean
  readonly switches: readonly SwitchRecord[]
}

/** Looks at the switches as they are now. Never fails: without Redis as they were last seen. */
export type LookAtSwitches = () => Promise<Switched>

/** `redis` is that of the queue, where users keeps the copy. */
export function createLookAtSwitches({ redis, prefix }: { redis: Redis; prefix: string }): LookAtSwitches {
  const list = createCopiedList({ redis, key: switchesKey(prefix), fields: copyFields, schema: SwitchRecord })
  return async () => switchedBy(inForce(await list.read()))
}

/** As it is where nothing is switched. */
export const nothingSwitched: LookAtSwitches = async () => switchedBy([])

function switchedBy(switches: readonly SwitchRecord[]): Switched {
  const about = (target: SwitchRecord['target'], name: string) =>
    switches.filter((each) => each.target === target && each.name === name)
  return {
    switches,
    takes: (lane, queuedAt) =>
      about('lane', lane).every(
        ({ does, since }) => does !== 'pause' && (does !== 'drain' || queuedAt.getTime() < Date.parse(since)),
      ),
    weightOf: (lane) => about('lane', lane).find(({ does }) => does === 'weight')?.weight,
    stops: ({ country, purpose }) => [...about('country', country), ...about('purpose', purpose)].length > 0,
  }
}
