import { Type } from 'typebox'
import { SwitchEnded, SwitchList, SwitchOrder, SwitchPreview, SwitchSet } from '../admin/switches.js'
import { endpoint } from '../endpoint.js'
import { Strict } from '../v1/shapes.js'
import { By, byFails, Why } from './admins.js'

// What operators switch, asked of users by the gateway and by commands.

export const readSwitchboard = endpoint({
  method: 'POST',
  path: '/internal/switches/list',
  summary: 'What is switched at the moment',
  body: Strict({ by: By }),
  replies: { 200: SwitchList },
  fails: byFails,
})

export const previewSwitch = endpoint({
  method: 'POST',
  path: '/internal/switches/preview',
  summary: 'What a switch would have been about in the last 24 hours',
  body: Strict({ by: By, order: SwitchOrder }),
  replies: { 200: SwitchPreview },
  fails: byFails,
})

export const putSwitch = endpoint({
  method: 'POST',
  path: '/internal/switches',
  summary: 'Switch something, in the place of what is switched there',
  body: Strict({ by: By, order: SwitchOrder }),
  replies: { 200: SwitchSet },
  fails: byFails,
})

export const resumeSwitch = endpoint({
  method: 'POST',
  path: '/internal/switches/end',
  summary: 'End a switch before its time',
  body: Strict({ by: By, id: Type.String(), why: Why }),
  replies: { 200: SwitchEnded },
  fails: [...byFails, 'not.found'],
})
