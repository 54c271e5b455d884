import { availableParallelism } from 'node:os'
import { optOutsKey } from '@latchkey/contracts/opt-out-record'
import { queuePrefix } from '@latchkey/contracts/queues/queue'
import { readSmsPrices, type SmsPrice } from '@latchkey/contracts/sms-prices'
import { switchesKey } from '@latchkey/contracts/switch-record'
import type { Key, KeyRing } from '@latchkey/kit/key-ring'
import type { Check } from '@latchkey/kit/ops'
import { createRedis, createRedisMetrics, guardRedis } from '@latchkey/kit/redis'
import type { Scope } from '@latchkey/kit/run'
import { createSignedTokens } from '@latchkey/kit/signed-token'
import { sql } from 'kysely'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { createAdmins } from './admins/admins.service.js'
import type { Services } from './app.js'
import { createAudit } from './audit/audit.service.js'
import { createChallenges } from './challenges/challenges.service.js'
import { tokenRing, traceKey, type UsersConfig } from './config.js'
import type { Copy } from './copies/copies.service.js'
import { createRedisCopy } from './copies/redis-copy.js'
import { createAccount } from './credentials/account.service.js'
import { createConversionMetrics } from './conversion/conversion-metrics.js'
import { createConversions } from './conversion/conversion.service.js'
import { createCredentials } from './credentials/credentials.service.js'
import { createPasswords } from './credentials/passwords.service.js'
import { createPasswordHasher, type PasswordHasher } from './credentials/password-hasher.js'
import { createReproof } from './credentials/reproof.service.js'
import { type Db, openDatabase, unlimited } from './database.js'
import { createDeliveryConsumer } from './deliveries/deliveries.consumer.js'
import { createDeliveries } from './deliveries/deliveries.service.js'
import { createUsersMetrics, type UsersMetrics } from './metrics.js'
import { createOptOuts } from './opt-outs/opt-outs.service.js'
import { migrateWhenPossible } from './migrations/index.js'
import { createOwnData } from './own-data/own-data.service.js'
import { createClaims } from './people/claims.service.js'
import { createPeople } from './people/people.service.js'
import { createAddressUndos } from './phone-changes/address-undos.js'
import { createEmailChanges } from './phone-changes/email-changes.service.js'
import { createPhoneChanges } from './phone-changes/phone-changes.service.js'
import { createRegistrations } from './registrations/registrations.service.js'
import { createDevices } from './sessions/devices.service.js'
import { createSessions } from './sessions/sessions.service.js'
import { startSweeper, type Sweeps } from './sweeper.js'
import { createSwitchboard } from './switchboard/switches.service.js'
import { createTraceConsumer } from './traces/traces.consumer.js'
import { createTraces } from './traces/traces.service.js'

/** How long a copy that was lost, or fell behind, is looked for at most. */
const copyEveryMs = 1_000

/** Where others read what users keeps. */
export interface Copies {
  readonly optOuts: Copy
  readonly switches: Copy
}

interface ServicesNeeds {
  readonly db: Db
  /** Of the same database, for what nobody waits for. */
  readonly patientDb: Db
  readonly ring: KeyRing
  /** Names phones in the trace. */
  readonly traceKey: Key
  /** What carriers take where their receipts do not say. */
  readonly prices: readonly SmsPrice[]
  /** What is kept for how long. */
  readonly keptDays: { readonly deliveryLog: number; readonly trace: number }
  readonly hasher: PasswordHasher
  readonly copies: Copies
  readonly now: () => Date
  readonly log: Logger
  readonly metrics: UsersMetrics
}

/** The features over one database, each made from what it needs. */
export function createServices({
  db,
  patientDb,
  ring,
  traceKey,
  prices,
  keptDays,
  hasher,
  copies,
  now,
  log,
  metrics,
}: ServicesNeeds): Services & { sweeps: Sweeps } {
  const claims = createClaims({ db, now })
  const people = createPeople({ db, claims, now })
  const devices = createDevices({ db, tokens: createSignedTokens(ring, { prefix: 'lkd_' }), now })
  const refreshTokens = createSignedTokens(ring, { prefix: 'lkr_' })
  const sessions = createSessions({ db, people, devices, tokens: refreshTokens, now, log })
  const credentials = createCredentials({ db, people, sessions, hasher, log })
  const reproof = createReproof({ sessions, hasher, now })
  const resetTokens = createSignedTokens(ring, { prefix: 'lkp_' })
  const passwords = createPasswords({ db, people, sessions, credentials, reproof, tokens: resetTokens, now })
  const undos = createAddressUndos({ db, people, claims, sessions, passwords, now })
  const phoneChanges = createPhoneChanges({ db, people, claims, sessions, passwords, reproof, undos })
  const emailChanges = createEmailChanges({ db, people, sessions, passwords, undos })
  const challenges = createChallenges({
    db,
    people,
    claims,
    sessions,
    passwords,
    reproof,
    phoneChanges,
    emailChanges,
    now,
    ...metrics,
  })
  const registrations = createRegistrations({ db, people, claims, credentials, sessions })
  const conversions = createConversions({ db, patientDb, prices, logDays: keptDays.deliveryLog, now })
  const deliveries = createDeliveries({ db, conversions, keptDays: keptDays.deliveryLog, now })
  const optOuts = createOptOuts({ db, copy: copies.optOuts, now, log })
  const audit = createAudit({ db, now })
  const admins = createAdmins({ db, people, sessions, audit })
  const switchboard = createSwitchboard({ db, copy: copies.switches, audit, now, log })
  const traces = createTraces({
    db,
    key: traceKey,
    keptDays: keptDays.trace,
    audit,
    deliveries,
    challenges,
    now,
  })
  const ownData = createOwnData({ db, people, traces, admins, audit })
  const account = createAccount({ db, people, reproof, traces })
  const sweeps = {
    messages: deliveries.sweep,
    deliveryLog: deliveries.forgetOld,
    registrations: claims.sweep,
    resetTokens: passwords.sweep,
    phoneUndos: undos.sweep,
    sessions: sessions.sweep,
    devices: devices.sweep,
    optOutWords: optOuts.sweep,
    challenges: challenges.sweep,
    traces: traces.sweep,
    conversion: conversions.writeDays,
  }
  return {
    people,
    registrations,
    credentials,
    passwords,
    account,
    phoneChanges,
    emailChanges,
    addressUndos: undos,
    sessions,
    devices,
    challenges,
    deliveries,
    optOuts,
    audit,
    admins,
    switchboard,
    traces,
    conversions,
    ownData,
    sweeps,
  }
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
  const { DATABASE_URL, DATABASE_DIRECT_URL: directUrl = DATABASE_URL } = config
  const pooled = directUrl !== DATABASE_URL
  const db = openDatabase(DATABASE_URL, { log, metrics, pooled })
  scope.defer('postgres', () => db.destroy())
  const patientDb = openDatabase(directUrl, { log, connections: 1, patient: true })
  scope.defer('patient postgres', () => patientDb.destroy())
  const queueUrl = config.QUEUE_REDIS_URL ?? config.REDIS_URL
  const redis = createRedis(queueUrl, {
    log,
    name: 'queue',
    patience: 'consumer',
  })
  scope.defer('queue redis', () => redis.disconnect())
  const copyRedis = createRedis(queueUrl, { log, name: 'copies', patience: 'request' })
  scope.defer('copies redis', () => copyRedis.disconnect())
  const guard = guardRedis(redis, {
    name: 'queue redis',
    appendOnly: config.NODE_ENV === 'production',
    refuse: (error) => scope.fail(error),
    observe: createRedisMetrics(metrics),
  })
  scope.defer('redis guard', () => guard.close())

  const services = createServices({
    db,
    patientDb,
    ring: tokenRing(config),
    traceKey: traceKey(config),
    prices: readSmsPrices(config.SMS_PRICES),
    keptDays: { deliveryLog: config.DELIVERY_LOG_DAYS, trace: config.TRACE_DAYS },
    hasher: createPasswordHasher({ atOnce: availableParallelism(), metrics }),
    copies: {
      optOuts: createRedisCopy(copyRedis, optOutsKey(queuePrefix)),
      switches: createRedisCopy(copyRedis, switchesKey(queuePrefix)),
    },
    now: () => new Date(),
    log,
    metrics: createUsersMetrics(metrics),
  })
  const { deliveries, optOuts, audit, switchboard, traces, conversions, sweeps } = services
  createConversionMetrics(metrics, conversions, () => new Date())
  let migrated = false
  const queueCheck = { queue: guard.check }
  // Delivery events can wait; people who log in cannot.
  const split = queueUrl !== config.REDIS_URL
  return {
    services,
    checks: {
      postgres: async () => (migrated ? answers(db, pooled) : 'the schema is not up to date yet'),
      ...(!split && queueCheck),
    },
    notes: split ? queueCheck : {},
    start() {
      const consumer = createDeliveryConsumer({ redis, prefix: queuePrefix, deliveries, optOuts, audit, log })
      scope.defer('delivery events', () => consumer.close())
      const traceConsumer = createTraceConsumer({ redis, prefix: queuePrefix, traces, log })
      scope.defer('trace', () => traceConsumer.close())
      const sweeper = startSweeper({ sweeps, log })
      scope.defer('sweeper', () => sweeper.close())
      const copying = startSweeper({
        sweeps: { switches: switchboard.copy, optOuts: optOuts.copy },
        log,
        everyMs: copyEveryMs,
      })
      scope.defer('copies', () => copying.close())
      const stop = new AbortController()
      const migrating = migrateWhenPossible(directUrl, { log, signal: stop.signal }).then((done) => {
        migrated = done
        if (!done) return
        consumer.start()
        traceConsumer.start()
      })
      scope.defer('migration', () => {
        stop.abort()
        return migrating
      })
    },
  }
}

async function answers(db: Db, pooled: boolean): Promise<string | undefined> {
  const look = pooled ? unlimited(db) : sql`select 1`.execute(db).then(() => undefined)
  return look.catch(() => 'postgres does not answer')
}
