import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import { Cluster, Redis } from 'ioredis'
import t from 'tap'
import type { Member } from '../../src/cluster/member.js'
import { type Picture, startPicture } from '../../src/cluster/picture.js'
import { haproxy, pgbouncer, unpackDebian } from '../../src/debian-package.js'
import { generateKeys } from '../../src/keys.js'
import { cacheDir } from '../../src/places.js'
import { type Answer, type Call, caller, password, randomPhone, twilioStandIn } from '../journey/journey.js'

const patienceMs = 20_000
/** Two cores carry twenty processes, and are to be loaded, not full. */
const thinkingMs = 500

const programs = await Promise.all([haproxy, pgbouncer].map((wanted) => unpackDebian(wanted, cacheDir(t.testdirName))))
/** Elsewhere a machine without Debian's packages may do without. */
const absent =
  programs.includes(undefined) &&
  process.env['CI'] === undefined &&
  'there is no HAProxy or PgBouncer here, and their packages cannot be had'

const well = [202, 201, 200, 200, 200, 204]
/** So many at once that every share of the codes is theirs. */
const crowd = 6

async function masterPort({ queueUrl }: Picture): Promise<number> {
  const [, port] = /:(\d+)/.exec(queueUrl) ?? []
  const sentinel = new Redis(Number(port), '127.0.0.1')
  try {
    const [, found] = (await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'latchkey')) as string[]
    return Number(found)
  } finally {
    sentinel.disconnect()
  }
}

async function clusterMasters({ redisUrl }: Picture): Promise<number[]> {
  const [, port] = /:(\d+)/.exec(redisUrl) ?? []
  const cluster = new Cluster([{ host: '127.0.0.1', port: Number(port) }])
  try {
    await eventually('the cluster', async () => cluster.status === 'ready')
    return cluster.nodes('master').map(({ options }) => options.port ?? 0)
  } finally {
    cluster.disconnect()
  }
}

t.test('many of each, behind a proxy, a pooler, a cluster and sentinels', { skip: absent }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-cluster-'))
  const twilio = await twilioStandIn(t)
  const startedAt = Date.now()
  const picture = await startPicture({
    dir,
    logDir: join(dir, 'logs'),
    cache: cacheDir(dir),
    keys: generateKeys(),
    mode: 'production',
    env: { SMS_COUNTRIES: 'IN', EXEMPT_CLIENTS: '127.0.0.0/8', LOG_LEVEL: 'warn', ...twilio.env },
  })
  t.teardown(async () => {
    await picture.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  t.comment(`${picture.members.length} processes in ${Date.now() - startedAt} ms`)
  const call = caller(t, picture.url)
  /** A connection that broke is no answer. */
  const asked: Call = (...args) => call(...args).catch((): Answer => ({ status: 0, headers: {}, body: null }))

  /** Asks again while nobody can tell, as people do. */
  const patiently: Call = async (...args) => {
    const end = performance.now() + patienceMs
    for (;;) {
      const answer = await asked(...args)
      if (![0, 502, 503, 504].includes(answer.status) || performance.now() > end) return answer
      await sleep(250)
    }
  }

  /** What nobody could be served with, in its own words. */
  const refusals: string[] = []

  /** Sign up, prove the phone, ask who one is, refresh, log in by password, log out: what each was answered. */
  async function walk(ask: Call): Promise<number[]> {
    const phone = randomPhone()
    const told: number[] = []
    const step = async (...args: Parameters<Call>) => {
      const answer = await ask(...args)
      told.push(answer.status)
      if (answer.status >= 500 || answer.status === 0) refusals.push(`${args[1]}: ${JSON.stringify(answer.body)}`)
      return answer
    }
    const begun = await step('POST', '/v1/signup', { phone, password })
    if (begun.status !== 202) return told
    const code = await twilio.code(phone)
    const proved = await step('POST', `/v1/challenges/${begun.body.challenge.id}/answer`, { code })
    if (proved.status !== 201) return told
    const { accessToken, refreshToken } = proved.body.session
    await step('GET', '/v1/me', undefined, accessToken)
    await step('POST', '/v1/token/refresh', { refreshToken })
    const again = await step('POST', '/v1/login', { identifier: phone, password })
    await step('POST', '/v1/logout', {}, again.body?.session?.accessToken)
    return told
  }

  const crowdWalks = (ask: Call) => Promise.all(Array.from({ length: crowd }, () => walk(ask)))

  const at = (port: number | undefined): Member => {
    const found = picture.members.find((member) => member.port === port)
    if (found === undefined) throw new Error(`nobody listens on ${port}`)
    return found
  }

  await t.test(
    'people are served by all of it: codes in the cluster, jobs behind the sentinels, accounts behind the pooler',
    async (t) => {
      t.same(
        await crowdWalks(asked),
        Array.from({ length: crowd }, () => well),
      )
    },
  )

  await t.test('every service is started again under load, and no request fails', async (t) => {
    let rolling = true
    const walks: number[][] = []
    const people = Array.from({ length: 4 }, async () => {
      while (rolling) {
        walks.push(await walk(asked))
        await sleep(thinkingMs)
      }
    })
    const from = Date.now()
    for (const service of ['users', 'sms-worker', 'auth-gateway'] as const) await picture.roll(service)
    const tookMs = Date.now() - from
    rolling = false
    await Promise.all(people)
    t.same(refusals, [])
    t.ok(walks.length > 4, `${walks.length} walks`)
    t.same(
      walks.filter((told) => String(told) !== String(well)),
      [],
    )
    t.comment(
      `figures: ${walks.length * well.length} requests while seven processes were started again in ${tookMs} ms`,
    )
  })

  await t.test('the journey passes while any one process is gone', async (t) => {
    const [share] = await clusterMasters(picture)
    const victims: [what: string, member: Member][] = [
      ['a master of the cluster', at(share)],
      ['the master of the queue', at(await masterPort(picture))],
      ['a sentinel', picture.members.find(({ name }) => name === 'sentinel-1') as Member],
      ...Object.values(picture.replicas).map((replicas): [string, Member] => {
        const victim = replicas[0] as Member
        return [victim.name, victim]
      }),
    ]
    for (const [what, member] of victims) {
      await member.kill()
      const from = Date.now()
      t.same(
        await crowdWalks(patiently),
        Array.from({ length: crowd }, () => well),
        `without ${what}`,
      )
      t.comment(`without ${what}: ${Date.now() - from} ms`)
      await member.restart()
      t.comment(`with ${what}: ${Date.now() - from} ms`)
    }
    for (const name of ['pgbouncer', 'haproxy', 'postgres']) {
      const member = picture.members.find((each) => each.name === name) as Member
      await member.kill()
      const from = Date.now()
      const walks = crowdWalks(patiently)
      await member.restart()
      t.same(
        await walks,
        Array.from({ length: crowd }, () => well),
        `over the end of ${name}`,
      )
      t.comment(`over the end of ${name}: ${Date.now() - from} ms`)
    }
  })
})
