import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { checkInvariants } from './invariants.js'
import { startLoad } from './load.js'
import { type Guest, signUp } from './people.js'
import { production, type Production } from './production.js'

t.test('a worker killed in the middle of its sends leaves nothing undone and sends nothing a third time', async (t) => {
  const on = await production(t)
  const { stack } = on
  // Every send takes a while, so that many are between the carrier's accept and its answer.
  await on.order({ to: '*', fault: 'slow', ms: 1_500 })
  await stack.another('sms-worker')
  const load = startLoad(on, { perSecond: 4 })
  await sleep(4_000)
  const before = load.people.map(({ challenge }) => challenge?.id)
  const { pid, ended } = stack.processes['sms-worker']
  process.kill(pid, 'SIGKILL')
  await ended
  const killedAt = Date.now()
  await eventually('the other to take over', async () => (await undecided(on, before)) === 0, 25_000)
  t.comment(`all that the killed worker left was decided after ${Date.now() - killedAt} ms`)
  await load.stop()
  const waits = load.people.flatMap(({ told, challenge }) => {
    const answered = told.find(({ what }) => what === 'answer')
    return answered === undefined || challenge === undefined ? [] : [answered.startedAt - (told[0]?.startedAt ?? 0)]
  })
  // The other takes over within 15 s; then look-up, carrier, and the person's typing.
  t.ok(Math.max(...waits) < 25_000, `the slowest code took ${Math.max(...waits)} ms to be answered`)
  t.comment(`the slowest code was answered ${Math.max(...waits)} ms after it was asked for`)
  const left = load.people.filter(({ session }) => session === undefined).map(({ challenge }) => challenge?.id)
  const attempts = await on.sql(
    'select sms_messages.state, sms_attempts.* from sms_messages left join sms_attempts on message_id = id where challenge_id = any($1)',
    [left],
  )
  t.same(attempts, [], 'everyone got in')
  await checkInvariants(t, on, load.people)
})

/** How many of these challenges have a message that still waits or is being sent. */
async function undecided({ sql }: Production, ids: readonly (string | undefined)[]): Promise<number> {
  const [row] = await sql<{ count: number }>(
    'select count(*)::int from sms_messages where challenge_id = any($1) and rank < 2',
    [ids],
  )
  return row?.count ?? 0
}

t.test('codes that waited longer than they live are never sent, and written down as that', async (t) => {
  const on = await production(t, { env: { CODE_LIFE_SECONDS: '30' } })
  const { stack, sql, ledger } = on
  await stack.processes['sms-worker'].stop('SIGTERM', 10_000)
  const waiting = 1_000
  const openedAt = Date.now()
  const people: Guest[] = []
  const open = async () => {
    while (people.length < waiting) people.push(await signUp(on))
  }
  await Promise.all(Array.from({ length: 16 }, open))
  t.comment(`${people.length} sign-ups in ${Date.now() - openedAt} ms`)
  const lastExpiry = Math.max(...people.map(({ challenge }) => Date.parse(challenge.expiresAt)))
  await sleep(lastExpiry - Date.now() + 500)
  const startedAt = Date.now()
  await stack.restart('sms-worker')
  const states = () =>
    sql<{ state: string; count: number }>('select state, count(*)::int from sms_messages group by state')
  const [{ count } = { count: 0 }] = await eventually(
    'all to be written down',
    async () => {
      const found = await states()
      return found.length === 1 && found[0]?.count === people.length && found
    },
    60_000,
  )
  t.same(await states(), [{ state: 'expired_unsent', count: people.length }])
  t.comment(`${count} dead codes written down ${Date.now() - startedAt} ms after the worker was started again`)
  t.same(await ledger(), [], 'the carrier saw none')
  await checkInvariants(t, on, people)
})
