import { hash, parseOptions, verify } from '@node-rs/argon2'
import { AppError } from '@latchkey/kit/app-error'
import pLimit from 'p-limit'

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
}: {
  atOnce: number
  waitingMax?: number
  longestWaitMs?: number
}): PasswordHasher {
  const limit = pLimit(atOnce)

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (limit.activeCount + limit.pendingCount >= atOnce + waitingMax) throw new AppError('unavailable')
    const since = performance.now()
    return limit(() => {
      if (performance.now() - since > longestWaitMs) throw new AppError('unavailable')
      return work()
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
