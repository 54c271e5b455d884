import type { SwitchDeed, SwitchTarget } from '@latchkey/contracts/switch-record'

export interface SwitchTable {
  /** What can be switched one way at a time: a lane's gate, a lane's weight, a country, a purpose, a rule of the guard. */
  slot: string
  /** Another one for each switch. */
  id: string
  does: SwitchDeed
  target: SwitchTarget
  name: string
  weight: number | null
  who: string
  why: string
  since: Date
  until: Date
  /** Where somebody ended it before its time. */
  ended_at: Date | null
  /** Of the list when this row was last changed. */
  version: string
}
