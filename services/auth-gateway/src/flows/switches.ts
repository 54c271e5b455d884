import type { LastDay, Switch, SwitchOrder } from '@latchkey/contracts/admin/switches'
import { checkStorable } from './accounts.js'
import type { SignedInCaller, Users } from './ports.js'

type Needs = Pick<Users, 'readSwitchboard' | 'previewSwitch' | 'putSwitch' | 'resumeSwitch'>

/** What operators switch. Each throws `forbidden` for whoever is no admin. */
export interface SwitchFlows {
  list(caller: SignedInCaller): Promise<Switch[]>
  /** Throws `request.invalid`. */
  preview(order: SwitchOrder, caller: SignedInCaller): Promise<{ lastDay: LastDay | null }>
  /** Throws `request.invalid`. */
  set(order: SwitchOrder, caller: SignedInCaller): Promise<{ switch: Switch; lastDay: LastDay | null }>
  /** Throws `not.found`. */
  end(id: string, caller: SignedInCaller): Promise<Switch>
}

export function createSwitchFlows({ users }: { users: Needs }): SwitchFlows {
  const by = ({ sessionId }: SignedInCaller) => ({ sessionId })
  return {
    list: async (caller) => (await users.readSwitchboard({ by: by(caller) }, caller)).switches,
    preview: async (order, caller) => users.previewSwitch({ by: by(caller), order: readable(order) }, caller),
    set: async (order, caller) => users.putSwitch({ by: by(caller), order: readable(order) }, caller),
    end: async (id, caller) => (await users.resumeSwitch({ by: by(caller), id }, caller)).switch,
  }
}

function readable(order: SwitchOrder): SwitchOrder {
  checkStorable('/name', order.name)
  checkStorable('/why', order.why)
  return order
}
