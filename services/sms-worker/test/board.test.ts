import { randomBytes, randomUUID } from 'node:crypto'
import { type DeliveryBatch, deliveryEventJobId } from '@latchkey/contracts/queues/delivery-event'
import { smsJobId, smsQueue } from '@latchkey/contracts/queues/sms'
import { createLog } from '@latchkey/kit/log'
import { createConsumer } from '@latchkey/kit/queue'
import { eventually, testStores } from '@latchkey/kit/testing'
import { type FastifyInstance, fastify } from 'fastify'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { codeFor, createSurroundings, createWorker, randomPrefix, workerEnv } from './harness.js'
import { somebody } from './stand-in.js'

const password = randomBytes(18).toString('base64url')
const basic = (user: string, secret: string) => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`
const right = basic('board', password)

/** A worker's board in this process, over queues of its own. */
async function boardOf(t: Test, more: Record<string, string> = {}, { start = false } = {}) {
  const env = { ...workerEnv(), BOARD_PASSWORD: password, ...more }
  const prefix = randomPrefix()
  const around = createSurroundings(t, env, prefix)
  const { board, consumer, checks } = createWorker(t, env, prefix)
  if (start) consumer.start()
  const app = fastify()
  if (board !== undefined) await app.register(board)
  t.teardown(() => app.close())
  await eventually('the queue', async () => (await checks['queueRedis']?.()) === undefined)
  return { ...around, ...askOf(app), app, has: board !== undefined }
}

function askOf(app: FastifyInstance) {
  return {
    async ask(method: 'GET' | 'PUT' | 'POST' | 'PATCH', url: string, headers: Record<string, string> = {}) {
      const answer = await app.inject({ method, url, headers: { authorization: right, ...headers } })
      return { status: answer.statusCode, headers: answer.headers, text: answer.body }
    },
  }
}

const reads = (queues: readonly string[], ids: readonly string[]) => [
  '/board/api/redis/stats',
  '/board/api/job-schedulers',
  ...queues.flatMap((queue) => [
    ...['latest', 'active', 'waiting', 'prioritized', 'completed', 'failed', 'delayed', 'paused'].map(
      (status) => `/board/api/queues?activeQueue=${queue}&status=${status}&page=1&jobsPerPage=50`,
    ),
    ...['metrics', 'default-job-options', 'workers', 'rate-limit', 'job-data-schema'].map(
      (what) => `/board/api/queues/${queue}/${what}`,
    ),
    ...ids.flatMap((id) => ['', '/logs', '/flow'].map((what) => `/board/api/queues/${queue}/${id}${what}`)),
  ]),
  '/dead-letters',
]

t.test('without a password there is no board, and a short one is refused', async (t) => {
  const { has, ask } = await boardOf(t, { BOARD_PASSWORD: '' })
  t.equal(has, false)
  t.equal((await ask('GET', '/board')).status, 404)
  await t.rejects(boardOf(t, { BOARD_PASSWORD: 'short' }), /BOARD_PASSWORD is not written/)
})

t.test('who does not know user and password sees nothing, and after ten tries is not looked at', async (t) => {
  const { app, ask } = await boardOf(t)
  for (const path of ['/board', '/board/api/queues', '/board/static/', '/dead-letters']) {
    const answer = await app.inject({ method: 'GET', url: path })
    t.match([answer.statusCode, answer.headers['www-authenticate']], [401, /^Basic realm="Latchkey queues"/], path)
  }
  t.equal((await ask('GET', '/board')).status, 200)
  const guess = (authorization: string) => ask('GET', '/board', { authorization })
  const guesses = await Promise.all(
    Array.from({ length: 50 }, (_, n) => guess(n % 2 === 0 ? basic('board', `guess-${n}`) : basic('root', password))),
  )
  t.equal(guesses.filter(({ status }) => status === 401).length, 10)
  const late = guesses.filter(({ status }) => status === 429)
  t.equal(late.length, 40)
  t.ok(late.every(({ headers }) => Number(headers['retry-after']) > 0))
  t.equal((await ask('GET', '/board')).status, 429, 'nor is who knows it, from there')
})

t.test('the page loads nothing of anybody else', async (t) => {
  const { ask } = await boardOf(t)
  const { text, headers } = await ask('GET', '/board/')
  t.match(headers['content-security-policy'], /default-src 'none'/)
  t.notMatch(headers['content-security-policy'], /https?:|unsafe-eval/)
  t.match(headers, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  })
  t.notMatch(text, /(?:src|href|content|action)=["']?(?:https?:)?\/\//i, 'nothing is named elsewhere')
  const linked = [...text.matchAll(/(?:src|href)="([^"]+\.(?:js|css|svg|png|ico)[^"]*)"/g)].map(([, path = '']) => path)
  t.ok(linked.some((path) => path.endsWith('.css')) && linked.some((path) => path.endsWith('.js')), linked.join())
  for (const path of linked) {
    const { status, text: body } = await ask('GET', new URL(path, 'http://x/board/').pathname)
    t.equal(status, 200, path)
    if (path.endsWith('.css')) t.notMatch(body, /url\(\s*["']?(?:https?:)?\/\/|@import/i, path)
  }
})

t.test('it only shows; where it may write it pauses, resumes and hurries, and nothing else', async (t) => {
  const writes: [method: 'PUT' | 'POST' | 'PATCH', path: string, allowed: boolean][] = [
    ['PUT', 'pause', true],
    ['PUT', 'resume', true],
    ['PUT', 'sms/pause', true],
    ['PUT', 'sms/resume', true],
    ['PUT', 'sms/promote', true],
    ['PUT', 'sms/clean/failed', false],
    ['PUT', 'sms/empty', false],
    ['PUT', 'sms/obliterate', false],
    ['PUT', 'sms/retry/failed', false],
    ['POST', 'sms/add', false],
    ['PUT', 'sms/concurrency', false],
    ['PUT', 'sms/rate-limit', false],
    ['PATCH', 'sms/m-1/update-data', false],
    ['PUT', 'sms/m-1/retry', false],
    ['PUT', 'sms/m-1/clean', false],
  ]
  const [shows, does] = [await boardOf(t), await boardOf(t, { BOARD_WRITES: 'on' })]
  for (const [method, path, allowed] of writes) {
    t.equal((await shows.ask(method, `/board/api/queues/${path}`)).status, 405, path)
    const { status } = await does.ask(method, `/board/api/queues/${path}`)
    t.equal(status === 405, !allowed, `${path}: ${status}`)
    const foreign = await does.ask(method, `/board/api/queues/${path}`, { 'sec-fetch-site': 'cross-site' })
    t.equal(foreign.status, 405, 'from another site')
  }
  t.equal(await shows.sms.isPaused(), false)
})

t.test('whatever a job holds, the board tells of it what is known to be harmless', async (t) => {
  const { ask, sms, log, redis } = await boardOf(t)
  const canary = `canary-${randomBytes(6).toString('hex')}`
  const to = somebody()
  const planted = ['m-planted', 'e-planted']
  for (const [n, queue] of [sms, log].entries()) {
    const id = planted[n] ?? ''
    const job = await (queue as typeof sms).add(canary, { note: canary, to } as never, { jobId: id })
    await job.updateProgress({ canary })
    await job.log(canary)
    await redis.hset(queue.toKey(id), {
      failedReason: `${canary} ${to}`,
      stacktrace: JSON.stringify([canary]),
      returnvalue: JSON.stringify(canary),
    })
  }
  const event = {
    v: 1 as const,
    messageId: randomUUID(),
    challengeId: `abc.${'0'.repeat(32)}`,
    generation: 1,
    purpose: 'sign_in' as const,
    country: 'IN',
    requestId: to,
    state: 'sending' as const,
    at: new Date().toISOString(),
  }
  await log.add('delivery-event', event, { jobId: deliveryEventJobId(event) })
  const second = { ...event, messageId: randomUUID() }
  const batch: DeliveryBatch = { v: 5, kind: 'batch', events: [event, second] }
  await log.add('delivery-event', batch, { jobId: 'b-1' })
  let shown = ''
  for (const path of reads(['sms', 'delivery-event'], [...planted, deliveryEventJobId(event), 'b-1', 'm-none'])) {
    const { status, text } = await ask('GET', path)
    t.ok(status < 500, `${path}: ${status}`)
    t.notMatch(text, canary, path)
    t.notMatch(text, to.slice(-8), path)
    shown += text
  }
  t.match(shown, event.messageId)
  t.match(shown, second.messageId)
  t.match(shown, 'not told here: see the log')
})

t.test(
  'of jobs that failed by an error that quotes number and code nothing is told, on no page and in no answer',
  async (t) => {
    const { ask, open, queue, sms } = await boardOf(t, { BOARD_WRITES: 'on' })
    const [to, code] = [somebody(), '907152']
    const connection = new Redis(testStores().redisUrl, { maxRetriesPerRequest: null })
    const consumer = createConsumer(smsQueue, {
      redis: connection,
      prefix: sms.opts.prefix ?? '',
      log: createLog('test', 'fatal'),
      concurrency: 1,
      async handle() {
        const body = `${code} is your code`
        throw Object.assign(new Error(`twilio: 'To' number ${to} is not valid: ${body}`), {
          to,
          body,
          cause: new Error(to),
        })
      },
    })
    consumer.start()
    t.teardown(async () => {
      await consumer.close()
      connection.disconnect()
    })
    const job = await open({ message: codeFor(to, code) })
    await queue(job)
    const id = smsJobId(job.messageId)
    await eventually('the job to be dead', async () => (await sms.getJobState(id)) === 'failed')
    let shown = ''
    const pages = ['/board', '/board/', `/board/queue/sms`, `/board/queue/sms/${id}`]
    for (const path of [...pages, ...reads(['sms', 'delivery-event'], [id])]) {
      const { status, text } = await ask('GET', path)
      t.ok(status < 500, `${path}: ${status}`)
      for (const secret of [to.slice(1), to.slice(3), code]) t.notMatch(text, secret, path)
      shown += text
    }
    t.match(shown, /handler failed \(Error\); see the log for job m-/, 'it was among what was read')
  },
)

type Board = Awaited<ReturnType<typeof boardOf>>
const letters = async ({ ask }: Pick<Board, 'ask'>) =>
  (JSON.parse((await ask('GET', '/dead-letters')).text) as { letters: Record<string, string>[] }).letters
const done = async ({ ask }: Pick<Board, 'ask'>, queue: string, id: string, what: string) =>
  JSON.parse((await ask('POST', `/dead-letters/${queue}/${id}/${what}`)).text) as { done: boolean; said: string }

/** A job that is dead, as one that killed its workers is. */
async function die({ sms, redis }: Pick<Board, 'sms' | 'redis'>, id: string): Promise<void> {
  if ((await redis.zrem(sms.toKey('prioritized'), id)) === 0) throw new Error('the job was not waiting')
  await redis.zadd(sms.toKey('failed'), Date.now(), id)
  await redis.hset(sms.toKey(id), {
    failedReason: 'job stalled more than allowable limit',
    finishedOn: Date.now(),
  })
}

t.test('a dead code that still lives goes out once, as a message of its own; the old one ends', async (t) => {
  const on = await boardOf(t)
  const { open, queue, sms } = on
  const job = await open({ message: codeFor(somebody()) })
  await queue(job)
  const id = smsJobId(job.messageId)
  await die(on, id)
  t.match(await letters(on), [{ queue: 'sms', id, about: /sign_in, IN/, why: 'job stalled more than allowable limit' }])
  const [first, second] = [await done(on, 'sms', id, 'retry'), await done(on, 'sms', id, 'retry')]
  t.match(first, { done: true, said: /goes out as message/ })
  t.match(second, { done: false, said: 'there is no such dead letter' })
  const waiting = (await sms.getJobs(['prioritized', 'waiting'])).map(({ data }) => data)
  t.equal(waiting.length, 2)
  const [again] = waiting.filter(({ messageId }) => messageId !== job.messageId)
  t.match(again, { challengeId: job.challengeId, notAfter: job.notAfter })
  const [old] = waiting.filter(({ messageId }) => messageId === job.messageId)
  t.ok(Date.parse(old?.notAfter ?? '') < Date.now())
})

/** What users will write into the audit, oldest first. */
const acts = async ({ log }: Pick<Board, 'log'>) =>
  (await log.getJobs(['waiting'], 0, -1, true))
    .map(({ data }): object => data)
    .filter((data) => 'kind' in data && data.kind === 'act')

t.test('whatever is done with a queue is told to the audit: who, what and why; what is not done is not', async (t) => {
  const on = await boardOf(t, { BOARD_WRITES: 'on' })
  const { open, queue, app, ask } = on
  const job = await open({ message: codeFor(somebody()) })
  await queue(job)
  const id = smsJobId(job.messageId)
  await die(on, id)
  const wish = (payload: object) =>
    app.inject({ method: 'POST', url: `/dead-letters/sms/${id}/drop`, headers: { authorization: right }, payload })
  for (const payload of [{ operator: 'a b' }, { why: '' }, { why: 'a\0b' }, { actor: 'cli:asha' }])
    t.equal((await wish(payload)).statusCode, 400, JSON.stringify(payload))
  t.match(await done(on, 'sms', 'm-none', 'drop'), { done: false })
  t.same(await acts(on), [])
  t.match((await wish({ operator: 'asha', why: 'incident 4711' })).json(), { done: true })
  for (const path of ['sms/pause', 'resume', `sms/${id}/promote`]) await ask('PUT', `/board/api/queues/${path}`)
  await ask('PUT', '/board/api/queues/sms/empty')
  t.match(await acts(on), [
    { actor: 'cli:asha', action: 'dead_letter.drop', target: `sms:${id}`, why: 'incident 4711', about: /sign_in, IN/ },
    { actor: 'board:board', action: 'queue.pause', target: 'sms' },
    { actor: 'board:board', action: 'queue.resume', target: '*' },
    { actor: 'board:board', action: 'queue.promote', target: `sms:${id}` },
  ])
})

t.test('what is dead is not sent again where its code is dead, may have gone out, or is for nobody', async (t) => {
  const on = await boardOf(t)
  const { open, queue, change, redis } = on
  const [used, sent, decoy, quiet] = [
    await open({ message: codeFor(somebody()) }),
    await open({ message: codeFor(somebody()) }),
    await open({ message: { kind: 'decoy' } }),
    await open({ message: codeFor(somebody()) }),
  ]
  await change(used, { state: 'used' })
  await change(quiet, { quiet: quiet.messageId })
  await redis.hset(`{latchkey}:fence:${sent.messageId}`, {
    count: 1,
    rev: 1,
    '1:provider': 'twilio',
    '1:startedAt': Date.now(),
  })
  for (const [job, why] of [
    [used, 'its code is dead'],
    [sent, 'it may have been sent already'],
    [decoy, 'there is nothing to send'],
    [quiet, 'there is nothing to send'],
  ] as const) {
    await queue(job)
    await die(on, smsJobId(job.messageId))
    t.same(await done(on, 'sms', smsJobId(job.messageId), 'retry'), { done: false, said: why })
  }
  t.equal((await letters(on)).length, 4)
})

t.test('what is dropped ends in the delivery log', async (t) => {
  const on = await boardOf(t, {}, { start: true })
  const { open, sms, until, redis } = on
  const job = await open({ message: codeFor(somebody()) })
  const id = smsJobId(job.messageId)
  await sms.add('sms', job, { jobId: id, delay: 60_000 })
  await redis.zrem(sms.toKey('delayed'), id)
  await redis.zadd(sms.toKey('failed'), Date.now(), id)
  t.match(await done(on, 'sms', id, 'drop'), { done: true })
  await until(job, 'expired_unsent')
  t.same(await letters(on), [])
})

t.test('an event that users could not write: its end is kept, and what a person said is not dropped', async (t) => {
  const on = await boardOf(t)
  const { log, redis } = on
  const at = new Date().toISOString()
  const base = {
    v: 1 as const,
    messageId: randomUUID(),
    challengeId: `abc.${'0'.repeat(32)}`,
    generation: 1,
    purpose: 'sign_in' as const,
    country: 'IN',
    requestId: randomUUID(),
  }
  const dead = async (id: string, data: object) => {
    await log.add('delivery-event', data as never, { jobId: id })
    await redis.lrem(log.toKey('wait'), 0, id)
    await redis.zadd(log.toKey('failed'), Date.now(), id)
  }
  const attempt = { number: 1, provider: 'twilio', outcome: 'rejected', startedAt: at, endedAt: at }
  await dead('e-1', { ...base, state: 'rejected', reason: 'blocked', attempt, at })
  await dead('e-2', { ...base, state: 'sending', at })
  const old = new Date(Date.now() - 2 * 3_600_000).toISOString()
  await dead('e-3', { ...base, state: 'accepted', at: old })
  const other = { ...base, messageId: randomUUID(), at: old }
  await dead('b-1', {
    v: 5,
    kind: 'batch',
    events: [
      { ...base, state: 'sending', at: old },
      { ...other, state: 'accepted' },
    ],
  })
  await dead('b-2', {
    v: 5,
    kind: 'batch',
    events: [
      { ...other, state: 'accepted' },
      { ...base, state: 'sending', at },
    ],
  })
  await dead('o-1', {
    v: 2,
    kind: 'opt_out',
    number: 'A'.repeat(22),
    word: 'stop',
    provider: 'twilio',
    source: 'SM1',
    at,
  })
  await dead('x-1', { v: 1, what: 'nobody can read' })
  t.match(await done(on, 'delivery-event', 'e-1', 'drop'), { done: true, said: /says rejected/ })
  t.match(await done(on, 'delivery-event', 'e-2', 'drop'), { done: false, said: /may still be under way/ })
  t.match(await done(on, 'delivery-event', 'e-3', 'drop'), { done: true, said: /says unconfirmed/ })
  t.match(await done(on, 'delivery-event', 'b-1', 'drop'), { done: true, said: /says failed and unconfirmed/ })
  t.match(await done(on, 'delivery-event', 'b-2', 'drop'), { done: false, said: /may still be under way/ })
  t.match(await done(on, 'delivery-event', 'o-1', 'drop'), { done: false, said: /is not dropped/ })
  t.match(await done(on, 'delivery-event', 'o-1', 'retry'), { done: true })
  t.match(await done(on, 'delivery-event', 'x-1', 'retry'), { done: false })
  t.match(await done(on, 'delivery-event', 'x-1', 'drop'), { done: true })
  const kept = (await log.getJobs(['waiting']))
    .map(({ id, data }) => ({ id, told: data as { kind?: string; state?: string } }))
    .filter(({ told }) => told.kind !== 'act')
    .map(({ id, told }) => [id, told.state, 'attempt' in told])
  t.same(
    kept.sort((a, b) => String(a[0]).localeCompare(String(b[0]))),
    [
      ['d-b-1', 'failed', false],
      ['d-b-1-1', 'unconfirmed', false],
      ['d-e-1', 'rejected', false],
      ['d-e-3', 'unconfirmed', false],
      ['o-1', undefined, false],
    ],
  )
  t.match(await letters(on), [{ id: 'e-2' }, { id: 'b-2' }])
})
