import { type Static, Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import { Strict, Timestamp } from '../v1/shapes.js'
import { type Ailment as AilmentName, ailments, sandboxLanes } from './ailments.js'

export const SandboxLane = Type.Enum([...sandboxLanes])
export const Ailment = Type.Enum(Object.keys(ailments) as AilmentName[])

/** Until when a carrier of development suffers from what. */
export const Suffering = Type.Object({ ailment: Ailment, until: Timestamp })
export type Suffering = Static<typeof Suffering>

/** A hash in Redis: of each carrier of development that the worker has, what it suffers from as JSON, or nothing. */
export const sufferingKey = (prefix: string): string => `${prefix}:sandbox`

/** A carrier of development as its buttons show it. */
export const SandboxCarrier = Type.Object({ lane: SandboxLane, suffers: Type.Union([Suffering, Type.Null()]) })
export type SandboxCarrier = Static<typeof SandboxCarrier>

export const SandboxCarriers = Type.Object({ carriers: Type.Array(SandboxCarrier) })

export const longestAilmentSeconds = 600

export const listCarriers = endpoint({
  method: 'GET',
  path: '/carriers',
  summary: 'The carriers of development, and what they suffer from',
  replies: { 200: SandboxCarriers },
  fails: [],
})

export const ailCarrier = endpoint({
  method: 'PUT',
  path: '/carriers/:lane',
  summary: 'Make a carrier of development ill for a while, or well again',
  params: Strict({ lane: Type.String({ maxLength: 64, examples: ['inbox'] }) }),
  body: Strict({
    ailment: Type.Union([Ailment, Type.Null()], { description: 'null: it is well' }),
    forSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: longestAilmentSeconds, default: 60, description: 'It ends by itself then.' }),
    ),
  }),
  replies: { 200: SandboxCarriers },
  fails: ['not.found'],
})
