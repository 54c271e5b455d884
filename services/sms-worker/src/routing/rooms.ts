import type { Redis } from '@latchkey/kit/redis'
import type { Lane } from './lane.js'
import type { Route } from './routes.js'
import { createWaitingRoom, type WaitingRoom } from './waiting-room.js'

interface RoomsDeps {
  readonly redis: Redis
  readonly prefix: string
  readonly routes: readonly Route[]
  readonly lanes: readonly Lane[]
  readonly lateAfterMs: number
}

interface Rooms {
  readonly rooms: readonly { readonly room: WaitingRoom; readonly lanes: readonly Lane[] }[]
  /** That of messages which may take these lanes only, or their decoys. */
  roomOf(lanes: readonly Lane[]): WaitingRoom | undefined
}

/** A waiting room for each set of lanes that a route allows: who waits for one lane stands before nobody who may take another. */
export function createRooms({ redis, prefix, routes, lanes, lateAfterMs }: RoomsDeps): Rooms {
  const nameOf = (names: readonly string[]) => names.toSorted().join('+')
  const sets = [lanes.map(({ name }) => name), ...routes.map(({ steps }) => steps.flat().map(({ lane }) => lane))].map(
    (names) => [nameOf(names), lanes.filter(({ name }) => names.includes(name))] as const,
  )
  const rooms = [...new Map(sets)].map(([name, its]) => ({
    room: createWaitingRoom({ redis, prefix, name, lateAfterMs }),
    lanes: its,
  }))
  const byName = new Map(rooms.map(({ room }) => [room.name, room]))
  return { rooms, roomOf: (its) => byName.get(nameOf(its.map(({ name }) => name))) }
}
