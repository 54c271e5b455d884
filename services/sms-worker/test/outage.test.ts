import { addressOf, startProxy } from '@latchkey/kit/test-proxy'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { codeFor, createSurroundings, createWorker, randomPrefix, twilioEnv, workerEnv } from './harness.js'
import { somebody, startStandIn } from './stand-in.js'

const perSecond = 20

/** Two workers and a carrier behind a door that can be shut. */
async function setUp(t: Test) {
  const standIn = await startStandIn(t)
  const door = await startProxy(addressOf(standIn.url, 80))
  t.teardown(() => door.close().catch(() => undefined))
  const url = `http://127.0.0.1:${door.port}`
  const env = { ...workerEnv(), ...twilioEnv({ url }), SMS_PACE: `twilio ${perSecond}` }
  const prefix = randomPrefix()
  const around = createSurroundings(t, env, prefix)
  const laneTimes = { probeMs: 300, longestProbeMs: 300 }
  const workers = [1, 2].map(() => createWorker(t, env, prefix, { laneTimes, carrierTimeoutMs: 5_000 }))
  for (const { consumer } of workers) consumer.start()
  const ledger = async () =>
    (await (await fetch(`${standIn.url}/ledger`)).json()) as { readonly to: string; readonly at: string }[]
  const calls = async () => {
    const texts = await Promise.all(workers.map(({ metrics }) => metrics.metrics()))
    return texts
      .flatMap((text) => [...text.matchAll(/^latchkey_sms_attempts_total{.*} (\d+)$/gm)])
      .reduce((sum, [, count]) => sum + Number(count), 0)
  }
  return { ...around, door, ledger, calls }
}

t.test(
  'after an outage: no herd, nobody twice, sign-in first, and whose code dies first first, over two workers',
  async (t) => {
    const { open, queue, sms, door, ledger, calls } = await setUp(t)
    await door.cut()
    const people = await Promise.all(
      Array.from({ length: 80 }, async (_, n) => {
        const purpose = n % 4 === 0 ? ('sign_in' as const) : ('sign_up' as const)
        // Whoever comes later here has less life, so that the order of coming is not that of going.
        const lifeMs = 90_000 - n * 500
        const to = somebody()
        return { n, to, lifeMs, purpose, job: await open({ message: codeFor(to), lifeMs, purpose }) }
      }),
    )
    for (const { job } of people) await queue(job)
    await eventually('all to wait', async () => (await sms.getJobCounts('delayed'))['delayed'] === people.length)
    const atFirst = await calls()
    t.ok(atFirst <= 40, `two workers find out by ${atFirst} calls`)
    await eventually('some probes', async () => (await calls()) >= atFirst + 6, 60_000)
    const starts = (await sms.getDelayed()).map((job) => job.attemptsStarted)
    t.ok(starts.filter((count) => count > 4).length <= 8, `those that wait are left alone: ${starts.join(' ')}`)
    await door.mend()
    const accepts = await eventually(
      'everybody to get his code',
      async () => {
        const found = await ledger()
        return found.length >= people.length && found
      },
      60_000,
    )
    t.strictSame(accepts.map(({ to }) => to).toSorted(), people.map(({ to }) => to).toSorted(), 'each once')
    const [first = 0, last = 0] = [accepts[0], accepts.at(-1)].map((accept) => Date.parse(accept?.at ?? ''))
    t.ok(last - first > ((people.length - perSecond) / perSecond) * 1_000 - 500, `in pace: ${last - first} ms`)
    const wanted: readonly string[] = people
      .toSorted((a, b) => a.purpose.localeCompare(b.purpose) || a.lifeMs - b.lifeMs)
      .map(({ to }) => to)
    const off = accepts.map(({ to }, at) => Math.abs(wanted.indexOf(to) - at))
    const mean = off.reduce((sum, places) => sum + places, 0) / off.length
    // A second's worth is in hand at once. Without any order it would be 27, with that of classes alone 17.
    t.ok(mean < 14, `in order, but for what is in hand: ${off.join(' ')}`)
  },
)
