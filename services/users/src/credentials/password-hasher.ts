import { hash, parseOptions, verify } from '@node-rs/argon2'
import { AppError } from '@latchkey/kit/app-error'
import pLimit from 'p-limit'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** argon2id, at most as many at once as given: one takes 8 ms of a core and 19 MiB, and more at once only makes all of them late. */
export interface PasswordHasher {
  /** Throws `unavailable` where the queue is full, or the turn comes too late. */
  hash(password: string): Promise<string>
  verify(hash: string, password: string): Promise<boolean>
  /** Looks up what to compare with, and compares, in one turn: a crowd that waits for its turn stands in nobody's way to the database. */
  inTurn<T>(work: (verify: PasswordHasher['verify']) => Promise<T>): Promise<T>
  /** Whether a hash was made with other parameters than today's. */
  isOutdated(hash: string): boolean
}

// The package's default algorithm is argon2id.
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 }

/** Of random bytes nobody kept: compared where there is no password, so that nobody can tell. */
export const hashOfNothing =
  '$argon2id$v=19$m=19456,t=2,p=1$AYG5rMLDbCYQNNvgtBUJcA$0DNlbCePSzSWRV4jureQEhI7V+qBtEFHne/brcflnuU'

/**
 * `waitingMax` is for bursts: who would wait longer than about 0.3 s is better told to come again. Where the cores are busy with
 * something else that may be much longer: whose turn comes after `longestWaitMs` is gone, and a hash for nobody makes all others late.
 */
export function createPasswordHasher({
  atOnce,
  waitingMax = atOnce * 32,
  longestWaitMs = 1_000,
  metrics = new Registry(),
}: {
  atOnce: number
  waitingMax?: number
  longestWaitMs?: number
  metrics?: Registry
}): PasswordHasher {
  const limit = pLimit(atOnce)
  const { observeWait, observeRefusal } = createHashMetrics(metrics, limit)

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (limit.activeCount + limit.pendingCount >= atOnce + waitingMax) {
      observeRefusal('full')
      throw new AppError('unavailable')
    }
    const since = performance.now()
    return limit(() => {
      const waitedMs = performance.now() - since
      observeWait(waitedMs / 1_000)
      if (waitedMs <= longestWaitMs) return work()
      observeRefusal('late')
      throw new AppError('unavailable')
    })
  }
  return {
    hash: async (password) => inTurn(() => hash(password, parameters)),
    verify: async (hashed, password) => inTurn(() => verify(hashed, password)),
    inTurn: async (work) => inTurn(() => work((hashed, password) => verify(hashed, password))),
    isOutdated(hashed) {
      const made = parseOptions(hashed)
      return (
        !hashed.startsWith('$argon2id$') ||
        Object.entries(parameters).some(([name, value]) => made[name as keyof typeof parameters] !== value)
      )
    },
  }
}

interface HashLoad {
  readonly activeCount: number
  readonly pendingCount: number
}

function createHashMetrics(registry: Registry, load: HashLoad) {
  const registers = [registry]
  void new Gauge({
    name: 'latchkey_hashes',
    help: 'Passwords that are hashed at this moment (`running`), and that wait for a core (`waiting`)',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'running' }, load.activeCount)
      this.set({ state: 'waiting' }, load.pendingCount)
    },
  })
  const waits = new Histogram({
    name: 'latchkey_hash_wait_seconds',
    help: 'How long a password waited for its turn to be hashed or compared',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers,
  })
  const refused = new Counter({
    name: 'latchkey_hashes_refused_total',
    help: 'Log-ins and sign-ups that were told to come again: the queue of passwords was `full`, or their turn came too `late`',
    labelNames: ['why'],
    registers,
  })
  for (const why of ['full', 'late']) refused.inc({ why }, 0)
  return {
    observeWait: (seconds: number) => waits.observe(seconds),
    observeRefusal: (why: 'full' | 'late') => refused.inc({ why }),
  }
}
