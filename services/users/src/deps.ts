import { availableParallelism } from 'node:os'
import { queuePrefix } from '@latchkey/contracts/queues/queue'
import type { KeyRing } from '@latchkey/kit/key-ring'
import type { Check } from '@latchkey/kit/ops'
import { createRedis, guardRedis } from '@latchkey/kit/redis'
import type { Scope } from '@latchkey/kit/run'
import { createSignedTokens } from '@latchkey/kit/signed-token'
import { sql } from 'kysely'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Services } from './app.js'
import { createChallenges } from './challenges/challenges.service.js'
import { tokenRing, type UsersConfig } from './config.js'
import { createCredentials } from './credentials/credentials.service.js'
import { createPasswordHasher, type PasswordHasher } from './credentials/password-hasher.js'
import { type Db, openDatabase } from './database.js'
import { createDeliveryConsumer } from './deliveries/deliveries.consumer.js'
import { createDeliveries } from './deliveries/deliveries.service.js'
import { startSweeper } from './deliveries/deliveries.sweeper.js'
import { createUsersMetrics, type UsersMetrics } from './metrics.js'
import { migrateWhenPossible } from './migrations/index.js'
import { createPeople } from './people/people.service.js'
import { createDevices } from './sessions/devices.service.js'
import { createSessions } from './sessions/sessions.service.js'

interface ServicesNeeds {
  readonly db: Db
  readonly ring: KeyRing
  readonly hasher: PasswordHasher
  readonly now: () => Date
  readonly log: Logger
  readonly metrics: UsersMetrics
}

/** The features over one database, each made from what it needs. */
export function createServices({ db, ring, hasher, now, log, metrics }: ServicesNeeds): Services {
  const people = createPeople({ db, now })
  const devices = createDevices({ tokens: createSignedTokens(ring, { prefix: 'lkd_' }), now })
  const refreshTokens = createSignedTokens(ring, { prefix: 'lkr_' })
  const sessions = createSessions({ db, people, devices, tokens: refreshTokens, now, log })
  const resetTokens = createSignedTokens(ring, { prefix: 'lkp_' })
  const credentials = createCredentials({ db, people, sessions, hasher, tokens: resetTokens, now, log })
  const challenges = createChallenges({ db, people, sessions, credentials, now, ...metrics })
  return { people, sessions, credentials, challenges, deliveries: createDeliveries({ db, now }) }
}

export interface Deps {
  readonly services: Services
  readonly checks: Readonly<Record<string, Check>>
  /** What is told and turns nothing red. */
  readonly notes: Readonly<Record<string, Check>>
  /** Begins what works by itself: migrating, then taking delivery events and sweeping. */
  readonly start: () => void
}

/** The one place that knows which implementation stands behind each port. Waits for nothing: stores may come later. */
export function createDeps(
  config: UsersConfig,
  { log, scope, metrics }: { log: Logger; scope: Scope; metrics: Registry },
): Deps {
  const db = openDatabase(config.DATABASE_URL, { log })
  scope.defer('postgres', () => db.destroy())
  const queueUrl = config.QUEUE_REDIS_URL ?? config.REDIS_URL
  const redis = createRedis(queueUrl, {
    log,
    name: 'queue',
    patience: 'consumer',
  })
  scope.defer('queue redis', () => redis.disconnect())
  const guard = guardRedis(redis, {
    name: 'the queue Redis',
    appendOnly: config.NODE_ENV === 'production',
    refuse: (error) => scope.fail(error),
  })
  scope.defer('redis guard', () => guard.close())

  const services = createServices({
    db,
    ring: tokenRing(config),
    hasher: createPasswordHasher({ atOnce: availableParallelism() }),
    now: () => new Date(),
    log,
    metrics: createUsersMetrics(metrics),
  })
  const { deliveries } = services
  let migrated = false
  const queueCheck = { queue: guard.check }
  // Delivery events can wait; people who log in cannot.
  const split = queueUrl !== config.REDIS_URL
  return {
    services,
    checks: {
      postgres: async () => (migrated ? answers(db) : 'the schema is not up to date yet'),
      ...(!split && queueCheck),
    },
    notes: split ? queueCheck : {},
    start() {
      const consumer = createDeliveryConsumer({ redis, prefix: queuePrefix, deliveries, log })
      scope.defer('delivery events', () => consumer.close())
      const sweeper = startSweeper({ deliveries, log })
      scope.defer('sweeper', () => sweeper.close())
      const stop = new AbortController()
      const migrating = migrateWhenPossible(config.DATABASE_URL, { log, signal: stop.signal }).then((done) => {
        migrated = done
        if (done) consumer.start()
      })
      scope.defer('migration', () => {
        stop.abort()
        return migrating
      })
    },
  }
}

async function answers(db: Db): Promise<string | undefined> {
  const good = await sql`select 1`.execute(db).then(
    () => true,
    () => false,
  )
  return good ? undefined : 'postgres does not answer'
}
