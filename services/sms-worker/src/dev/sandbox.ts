import { type Ailment, type SandboxLane, sandboxLanes } from '@latchkey/contracts/dev/ailments'
import { feedKey, feedLength, feedLifeSeconds } from '@latchkey/contracts/dev/feed'
import type { Sealer } from '@latchkey/kit/seal'
import { createSealedStream } from '@latchkey/kit/sealed-stream'
import type { Redis } from '@latchkey/kit/redis'
import type { Logger } from 'pino'
import type { Explain } from '../jobs/delivery-report.js'
import { createAilments } from './ailments.js'
import { createNote, createWatch, type Note, type Watch } from './watch.js'

interface SandboxNeeds {
  readonly redis: Redis
  readonly sealer: Sealer
  readonly prefix: string
  readonly log: Logger
  readonly providers: readonly string[]
  readonly explain: Explain
}

/** What development has and production has not: carriers that a developer makes ill, and who looks on. */
export interface Sandbox {
  /** The carriers of development that this worker has. */
  readonly lanes: readonly SandboxLane[]
  readonly ailing: (lane: SandboxLane) => Promise<Ailment | undefined>
  readonly note: Note
  readonly watch: Watch
}

export function createSandbox({ redis, sealer, prefix, log, providers, explain }: SandboxNeeds): Sandbox {
  const feed = { key: feedKey(prefix), length: feedLength, lifeSeconds: feedLifeSeconds }
  const note = createNote(createSealedStream({ redis, sealer, ...feed }), log)
  // Test numbers go to the first one, whoever else is configured.
  const lanes = sandboxLanes.filter((name, at) => at === 0 || providers.includes(name))
  return { lanes, note, ailing: createAilments({ redis, prefix, lanes }), watch: createWatch({ note, explain }) }
}
