import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { eventually, freePort, ownRedis, startProcess, type TestProcess } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { codeFor, createSurroundings, twilioEnv, workerEnv } from './harness.js'
import { somebody, startStandIn } from './stand-in.js'

const program = fileURLToPath(new URL('../bundle/main.js', import.meta.url))
t.jobs = 3
/** A start on a machine that is busy with something else. */
const slowStartMs = 30_000

async function startWorker(t: Test, env: Record<string, string>) {
  const [port, ops] = [await freePort(), await freePort()]
  const worker = startProcess(program, { ...env, WORKER_PORT: String(port), WORKER_OPS_PORT: String(ops) })
  t.teardown(async () => {
    worker.child.kill('SIGKILL')
    await worker.ended
    if (!t.passing()) t.comment(worker.output())
  })
  const ask = async (path: string, at = ops) => {
    const answer = await fetch(`http://127.0.0.1:${at}${path}`).catch(() => undefined)
    return answer === undefined ? undefined : { status: answer.status, text: await answer.text() }
  }
  const ready = () => eventually('ready', async () => (await ask('/ready'))?.status === 200, slowStartMs)
  return { ...worker, port, ask, ready }
}

const exit = async ({ ended, output }: TestProcess) => ({ code: await ended, output: output() })

t.test('a configuration that cannot be used ends with 78 and names every problem, and no secret', async (t) => {
  const { code, output } = await exit(
    startProcess(program, {
      NODE_ENV: 'staging',
      WORKER_PORT: 'eighty',
      REDIS_URL: 'http://redis',
      SEAL_KEYS: 'k1:dG9vLXNob3J0',
      TWILIO_ACCOUNT_SID: 'SK-not-an-account',
      TWILIO_PHONE_NUMBER: 'Acme',
      SMS_PROVIDERS: 'twilio,pigeon,inbox',
      TEST_NUMBERS: '+1234567890',
      WEBOTP_DOMAIN: 'not a domain',
    }),
  )
  t.equal(code, 78)
  for (const name of [
    'NODE_ENV',
    'WORKER_PORT',
    'REDIS_URL',
    'CHALLENGE_ID_KEY is missing',
    'OPT_OUT_KEY is missing',
    'TWILIO_ACCOUNT_SID',
    'TWILIO_AUTH_TOKEN is missing',
    'TWILIO_PHONE_NUMBER',
    'SMS_PROVIDERS may name',
    'inbox and backup are for development only',
    'TEST_NUMBERS is for development',
    'WEBOTP_DOMAIN',
  ])
    t.match(output, name)
  t.notMatch(output, /dG9vLXNob3J0|SK-not-an-account|at file:/)
})

t.test('production needs a carrier; development falls back to the inbox', async (t) => {
  const { NODE_ENV: _development, ...rest } = workerEnv()
  const { code, output } = await exit(startProcess(program, rest))
  t.equal(code, 78)
  t.match(output, 'SMS_PROVIDERS is missing')
  t.match(await exit(startProcess(program, { ...rest, SMS_PROVIDERS: 'none,twilio' })), { code: 78 })
  const short = await exit(startProcess(program, { ...workerEnv(), SEAL_KEYS: 'k1:dG9vLXNob3J0' }))
  t.match(short, { code: 78, output: 'SEAL_KEYS cannot be used' })
})

t.test('SIGTERM during a slow send finishes it, takes no new job, and leaves with 0', async (t) => {
  const standIn = await startStandIn(t)
  const env = { ...workerEnv(await ownRedis()), ...twilioEnv(standIn), WORKER_CONCURRENCY: '1' }
  const { open, queue, until, sms } = createSurroundings(t, env, '{latchkey}')
  const worker = await startWorker(t, env)
  await worker.ready()
  const [to, next] = [somebody(), somebody()]
  await standIn.order({ to, fault: 'slow', ms: 2_000 })
  const job = await open({ message: codeFor(to) })
  const waiting = await open({ message: codeFor(next) })
  await queue(job)
  await eventually('the send', async () => (await standIn.ledger(to)).length === 1)
  await queue(waiting)
  worker.child.kill('SIGTERM')
  t.equal(await worker.ended, 0)
  t.match((await until(job, 'accepted', 100)).at(-1), { attempt: { number: 1, outcome: 'accepted' } })
  t.strictSame(await standIn.ledger(next), [])
  t.match(await sms.getJobCounts('prioritized', 'active'), { prioritized: 1, active: 0 })
})

t.test(
  'SIGTERM while the carrier hangs, in a look-up before another send, leaves in time; the job stays',
  async (t) => {
    const standIn = await startStandIn(t)
    const env = { ...workerEnv(await ownRedis()), ...twilioEnv(standIn) }
    const { open, queue, until, sms } = createSurroundings(t, env, '{latchkey}')
    const worker = await startWorker(t, env)
    await worker.ready()
    const to = somebody()
    await standIn.order({ to, fault: 'reset-before', times: 1 })
    await standIn.order({ to, fault: 'hang' })
    await standIn.order({ to, fault: 'hang', on: 'list' })
    const job = await open({ message: codeFor(to) })
    await queue(job)
    await until(job, 'unknown')
    await eventually('the look-up', async () => (await sms.getJobCounts('active'))['active'] === 1)
    const since = Date.now()
    worker.child.kill('SIGTERM')
    t.equal(await worker.ended, 0)
    t.ok(Date.now() - since < 7_000, `${Date.now() - since} ms`)
    t.match(await sms.getJobCounts('delayed', 'active', 'completed'), { delayed: 1, active: 0, completed: 0 })
  },
)

t.test('a second signal ends the process at once', async (t) => {
  const standIn = await startStandIn(t)
  const env = { ...workerEnv(await ownRedis()), ...twilioEnv(standIn), LOG_LEVEL: 'info' }
  const { open, queue } = createSurroundings(t, env, '{latchkey}')
  const worker = await startWorker(t, env)
  await worker.ready()
  const to = somebody()
  await standIn.order({ to, fault: 'hang' })
  await queue(await open({ message: codeFor(to) }))
  await eventually('the call', async () => /state="active",.*} 1/.test((await worker.ask('/metrics'))?.text ?? ''))
  worker.child.kill('SIGTERM')
  await eventually('stopping', async () => worker.output().includes('"stopping"'))
  worker.child.kill('SIGTERM')
  t.equal(await worker.ended, 1)
})

t.test('a worker killed in the middle of a call leaves the job to another: one accept', async (t) => {
  const standIn = await startStandIn(t)
  const env = { ...workerEnv(await ownRedis()), ...twilioEnv(standIn) }
  const { open, queue, until } = createSurroundings(t, env, '{latchkey}')
  const first = await startWorker(t, env)
  await first.ready()
  const to = somebody()
  await standIn.order({ to, fault: 'slow', ms: 3_000, times: 1 })
  const job = await open({ message: codeFor(to) })
  await queue(job)
  await eventually('the send', async () => (await standIn.ledger(to)).length === 1)
  first.child.kill('SIGKILL')
  await startWorker(t, env)
  const events = await until(job, 'accepted', 25_000)
  const [accept, ...more] = await standIn.ledger(to)
  t.strictSame(more, [])
  t.match(events.at(-1)?.attempt, { number: 1, outcome: 'accepted', providerMessageId: accept?.sid })
})

/** A way to the real Redis that can be closed and opened. */
async function createDoor(t: Test, to: string) {
  const port = await freePort()
  const { hostname, port: redisPort, pathname } = new URL(to)
  const sockets = new Set<Socket>()
  let server: Server | undefined
  const close = () => {
    server?.close()
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(close)
  return {
    url: `redis://127.0.0.1:${port}${pathname}`,
    close,
    async open() {
      server = createServer((near) => {
        const far = connect(Number(redisPort), hostname)
        for (const socket of [near, far]) sockets.add(socket.on('error', () => socket.destroy()))
        near.pipe(far).pipe(near)
      }).listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
  }
}

t.test('Redis may come after the worker, go away and come back: codes go out each time', async (t) => {
  const env = workerEnv(await ownRedis())
  const { open, queue, until } = createSurroundings(t, env, '{latchkey}')
  const door = await createDoor(t, env['REDIS_URL'] ?? '')
  const worker = await startWorker(t, { ...env, REDIS_URL: door.url })
  const goesOut = async () => {
    const job = await open({ message: codeFor(somebody()) })
    await queue(job)
    await until(job, 'delivered')
  }
  await eventually('life', async () => (await worker.ask('/live'))?.status === 200, slowStartMs)
  t.equal((await worker.ask('/ready'))?.status, 503)
  await door.open()
  await worker.ready()
  await goesOut()
  door.close()
  await eventually('not ready', async () => (await worker.ask('/ready'))?.status === 503)
  t.equal((await worker.ask('/live'))?.status, 200)
  // Zero would say that nothing waits.
  t.notMatch((await worker.ask('/metrics'))?.text, /latchkey_oldest_(retrying_)?code_job_seconds\{/)
  await door.open()
  await goesOut()
  await worker.ready()
  t.match((await worker.ask('/metrics'))?.text, /latchkey_oldest_code_job_seconds\{service="sms-worker"\} \d/)
})

t.test('without Redis it is alive, not ready, and still leaves in time', async (t) => {
  const env = { ...workerEnv(), REDIS_URL: `redis://127.0.0.1:${await freePort()}` }
  const worker = await startWorker(t, env)
  await eventually('life', async () => (await worker.ask('/live'))?.status === 200, slowStartMs)
  const ready = await worker.ask('/ready')
  t.equal(ready?.status, 503)
  t.match(ready?.text, 'redis is not connected')
  const since = Date.now()
  worker.child.kill('SIGTERM')
  await worker.ended
  t.ok(Date.now() - since < 5_000)
})

t.test('figures are told on the ops port; a carrier that is not ours finds nothing', async (t) => {
  const worker = await startWorker(t, workerEnv(await ownRedis()))
  await worker.ready()
  const { text = '' } = (await worker.ask('/metrics')) ?? {}
  t.match(text, /latchkey_oldest_code_job_seconds\{service="sms-worker"\} \d/)
  t.match(text, /latchkey_oldest_retrying_code_job_seconds\{service="sms-worker"\} \d/)
  t.match(text, /latchkey_code_jobs\{state="prioritized",service="sms-worker"\} \d/)
  t.match(text, 'latchkey_queue_to_accept_seconds_bucket')
  const answer = await fetch(`http://127.0.0.1:${worker.port}/receipts/twilio`, { method: 'POST' })
  t.match([answer.status, await answer.text()], [404, /"code":"not.found"/])
})
