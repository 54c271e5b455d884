import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { checkInvariants } from './invariants.js'
import { getIn, signUp } from './people.js'
import { production } from './production.js'
import { ends, figure, killWorker, lookInside, redisDoor, replaceWorker } from './workers.js'

const deaths = 5
const boardPassword = randomBytes(18).toString('base64url')

/** What `npm run queue` prints, told where the worker is, and how it ends. */
async function command(url: string, words: readonly string[], password = boardPassword) {
  const program = fileURLToPath(new URL('../../src/operator/queue.js', import.meta.url))
  const env = { PATH: process.env['PATH'] ?? '', BOARD_PASSWORD: password }
  return promisify(execFile)(process.execPath, [program, 'queue', ...words, '--url', url], { env }).then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, text: stdout + stderr }),
  )
}

t.test(
  'a job that kills every worker ends after five starts as a dead letter; one of a newer version waits',
  async (t) => {
    const on = await production(t, { env: { BOARD_PASSWORD: boardPassword } })
    const { redis, queue, jobOf, failedJobs } = lookInside(t, on)
    const { stack } = on
    const newer = await queue.add('sms', { v: 2, somethingNew: randomUUID() }, { jobId: `m-${randomUUID()}` })
    // Challenges that answer late hold every start for a while: long enough to be met in it.
    const door = await redisDoor(t, on)
    await replaceWorker(on, { REDIS_URL: door.url })
    door.lag(400)

    const poison = await signUp(on)
    const job = await jobOf(poison)
    const id = job?.id ?? ''
    const lock = `{latchkey}:sms:${id}:lock`
    for (let death = 1; death <= deaths; death++) {
      await eventually(`start ${death}`, async () => (await redis.exists(lock)) === 1, 15_000)
      await killWorker(on)
      t.equal(await queue.getJobState(id), 'active', 'it had the job in hand')
      // As if its time were over: nobody waits 10 s five times.
      await redis.del(lock)
      await stack.restart('sms-worker', { REDIS_URL: door.url })
    }
    const message = await ends(on, poison, ['failed'])
    t.match(message, { reason: 'carrier_failed', attempts: [] })
    t.equal(await queue.getJobState(id), 'failed')

    await t.test('which tells nothing of the person, and is seen from outside', async (t) => {
      const dead = await redis.hgetall(`{latchkey}:sms:${id}`)
      t.match(dead, { failedReason: 'job stalled more than allowable limit' })
      const told = JSON.stringify(dead)
      t.notMatch(told, poison.phone.slice(1))
      t.notMatch(told, poison.phone.slice(3))
      t.notMatch(told, /is your code/)
      t.strictSame(Object.keys(JSON.parse(dead['data'] ?? '')).sort(), [
        'challengeId',
        'country',
        'generation',
        'messageId',
        'notAfter',
        'purpose',
        'requestId',
        'v',
      ])
      t.equal(await failedJobs(), 1)
      t.equal(await figure(stack.opsUrls['sms-worker'], 'latchkey_code_jobs', 'state="failed"'), 1)
      const line = stack
        .logs()
        .split('\n')
        .find((each) => each.includes('"job failed"'))
      t.match(JSON.parse(line ?? ''), { level: 40, jobId: id, service: 'sms-worker' })
      t.match((await on.call('GET', `/v1/challenges/${poison.challenge.id}`)).body, {
        delivery: 'failed',
        reason: 'The carrier could not take the message. Send the code again.',
      })
    })

    await t.test("and stands in nobody's way, nor does one that this worker cannot read yet", async (t) => {
      door.lag(0)
      const other = await signUp(on)
      t.equal(await getIn(on, other, 5_000), 201)
      t.equal(await queue.getJobState(newer.id ?? ''), 'delayed', 'it waits for a newer worker')
      t.equal(await failedJobs(), 1)
      t.equal((await on.ledger()).length, 1, 'the carrier saw only the other')
      await checkInvariants(t, on, [poison, other])
    })

    await t.test('and can be seen and put away by hand, with its end in the log', async (t) => {
      const ops = stack.opsUrls['sms-worker']
      t.match(await command(ops, ['list'], `${boardPassword}x`), { code: 1, text: /refuses \(401\).*BOARD_PASSWORD/ })
      t.match(await command(ops, ['bury', id]), { code: 78, text: /usage: npm run queue/ })
      t.match(await command(ops, ['list']), { code: 0, text: `message ${job?.data.messageId}: sign_up, IN` })
      t.match(JSON.parse((await command(ops, ['list', '--json'])).text), [{ id, queue: 'sms', starts: Number }])
      t.match(await command(ops, ['retry', 'm-nobody']), { code: 1, text: /there is no such dead letter/ })
      t.match(await command(ops, ['drop', id, '--why', 'incident 4711']), { code: 0, text: `✓ ${id}: ends unsent` })
      await eventually('it to end', async () => (await queue.getJobState(id)) === 'completed')
      t.match(await command(ops, ['list']), { code: 0, text: /^No dead letters/ })
      t.match(await ends(on, poison, ['failed']), { attempts: [] }, 'the log says what it said')
      const act = await eventually('the audit', async () => {
        const [line] = await on.sql(`select * from audit where action = 'dead_letter.drop'`)
        return line
      })
      t.match(act, { actor: /^cli:./, target: `sms:${id}`, why: 'incident 4711', detail: { about: /sign_up, IN/ } })
    })
  },
)
