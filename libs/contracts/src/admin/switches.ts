import { type Static, Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import { SwitchRecord } from '../switch-record.js'
import { Strict } from '../v1/shapes.js'
import { adminFails } from './audit.js'

const { since, ...ordered } = SwitchRecord.properties
const why = Type.String({ minLength: 3, maxLength: 300, examples: ['incident 4711: codes arrive after ten minutes'] })

/** What an operator wants switched. */
export const SwitchOrder = Strict({ ...ordered, why })
export type SwitchOrder = Static<typeof SwitchOrder>

/** A switch that is in force. */
export const Switch = Type.Object({
  id: Type.String({ format: 'uuid' }),
  ...ordered,
  why: Type.String(),
  who: Type.String({ description: 'As the audit names him.' }),
  since,
})
export type Switch = Static<typeof Switch>

/** The messages of the last 24 hours that a switch would have been about, and how many of their codes were answered rightly. */
export const LastDay = Type.Object({ messages: Type.Integer(), verified: Type.Integer() })
export type LastDay = Static<typeof LastDay>

const lastDay = Type.Union([LastDay, Type.Null()], {
  description: 'What it would have been about in the last 24 hours; null where the log could not tell in time.',
})
export const SwitchPreview = Type.Object({ lastDay })
export const SwitchSet = Type.Object({ switch: Switch, lastDay })
export const SwitchList = Type.Object({ switches: Type.Array(Switch) })
export const SwitchEnded = Type.Object({ switch: Switch })

export const listSwitches = endpoint({
  method: 'GET',
  path: '/admin/switches',
  summary: 'What is switched at the moment',
  bearer: true,
  replies: { 200: SwitchList },
  fails: adminFails,
})

export const setSwitch = endpoint({
  method: 'POST',
  path: '/admin/switches',
  summary:
    'Pause, drain or re-weight a lane; stop a country or a purpose; set a rule of the guard. Holds everywhere within 2 s',
  bearer: true,
  body: Strict({
    ...SwitchOrder.properties,
    preview: Type.Optional(Type.Boolean({ description: 'Only tells what it would be about, with 200.' })),
  }),
  replies: { 200: SwitchPreview, 201: SwitchSet },
  fails: adminFails,
})

export const endSwitch = endpoint({
  method: 'DELETE',
  path: '/admin/switches/:id',
  summary: 'End a switch before its time; what is none, or has ended, is not found',
  bearer: true,
  params: Strict({ id: Type.String() }),
  replies: { 200: SwitchEnded },
  fails: [...adminFails, 'not.found'],
})
