import type { Logger } from 'pino'
import type { BringBack } from '../jobs/bring-back.js'
import type { Share } from '../jobs/share.js'
import type { LookAtSwitches, Switched } from '../switchboard/switchboard.js'
import type { Lane } from './lane.js'
import type { Wanted, WaitingRoom } from './waiting-room.js'

interface UsherDeps {
  /** The waiting rooms, each with the lanes that its messages may take. */
  readonly rooms: readonly { readonly room: WaitingRoom; readonly lanes: readonly Lane[] }[]
  readonly onWaiting: (room: string, count: number) => void
  readonly lookAtSwitches: LookAtSwitches
  readonly bringBack: BringBack
  /** The slots of this worker that most classes share. */
  readonly share: Pick<Share, 'size' | 'free'>
  /** Whether this worker takes jobs: who does not lets nobody in. */
  readonly isWorking: () => boolean
  readonly log: Logger
}

/** Lets messages in from the waiting rooms, in their order, as many as the lanes of this worker can take. */
export interface Usher {
  /** One look at every room. */
  look(): Promise<void>
  close(): void
}

const lookEveryMs = 100
/** Of the turns of lanes with a pace, those that are in hand: enough that none is lost on the way, few enough that they keep their order. */
const inHandSeconds = 1.5

/** Looks ten times a second, from now on; what it cannot do now it does at the next look. */
export function createUsher({ rooms, lookAtSwitches, bringBack, share, isWorking, onWaiting, log }: UsherDeps): Usher {
  let looking: Promise<void> | undefined

  /** How many a lane could take. One that is out takes the message that is its probe. */
  function roomAt(lane: Lane, oldestMs: number, { takes }: Switched): Wanted {
    const standing = lane.standing()
    if (standing === 'away' || standing === 'barred') return nobody
    if (!takes(lane.name, new Date(Date.now() - oldestMs))) return nobody
    if (standing === 'open' && !lane.whole()) return { now: 1, inHand: 0 }
    if (lane.perSecond !== undefined) return { now: 0, inHand: Math.ceil(inHandSeconds * lane.perSecond) }
    // It fills up little by little: whoever has just come back is not overrun.
    return { now: Math.max(0, Math.ceil(share.size * lane.share()) - lane.calls()), inHand: 0 }
  }

  async function look(): Promise<void> {
    const switched = await lookAtSwitches()
    for (const { room, lanes } of rooms) {
      const each = lanes.map((lane) => roomAt(lane, room.oldestMs, switched))
      const [now, inHand] = [sum(each.map((its) => its.now)), sum(each.map((its) => its.inHand))]
      const free = share.free()
      // One at least: where others hang on a carrier a sign-in needs none of the share.
      const ids = await room.next(
        free > 0 ? { now: Math.min(now, free), inHand } : { now: Math.min(now, 1), inHand: Math.min(inHand, 1) },
      )
      onWaiting(room.name, room.waiting)
      await Promise.all(ids.map(async (id) => (await bringBack(id)) || room.done(id)))
    }
  }

  const timer = setInterval(() => {
    if (!isWorking()) return
    looking ??= look()
      .catch((err: unknown) => log.debug({ err }, 'a waiting room cannot be looked at'))
      .finally(() => (looking = undefined))
  }, lookEveryMs)
  timer.unref()
  return { look, close: () => clearInterval(timer) }
}

const nobody: Wanted = { now: 0, inHand: 0 }
const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0)
