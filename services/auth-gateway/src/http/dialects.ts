import type { Voice } from '@latchkey/kit/voice'
import type { FastifyPluginAsync } from 'fastify'
import type { FaceOptions } from '../flows/face.js'
import type { DialectPolicy, FacePolicy } from '../flows/policy.js'
import { careops } from './dialects/careops/index.js'
import { jodimilan } from './dialects/jodimilan/index.js'
import { rently } from './dialects/rently/index.js'
import { staged } from './dialects/staged/index.js'
import { usersApi } from './dialects/users-api/index.js'

/** A documented API as we speak it: its rules where the operator sets none, how it refuses, and its routes. */
export interface Dialect {
  readonly title: string
  readonly policy: DialectPolicy
  readonly createVoice: (policy: FacePolicy) => Voice
  readonly routes: FastifyPluginAsync<FaceOptions>
}

/** Every dialect there is, by the name under which it is mounted. To add one is to add a folder and a line. */
export const dialects: Readonly<Record<string, Dialect>> = {
  staged,
  careops,
  jodimilan,
  rently,
  'users-api': usersApi,
}

/** A dialect as this process speaks it. */
export interface MountedDialect extends Omit<Dialect, 'policy'> {
  readonly name: string
  readonly policy: FacePolicy
  /** Whether its `/api` stands at the root too. */
  readonly root: boolean
}
