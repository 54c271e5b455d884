import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { caller } from '../journey/journey.js'
import { checkInvariants, groupBy } from './invariants.js'
import { getIn, type Guest, signUp } from './people.js'
import { type Accept, production, type Production } from './production.js'
import { figure, lookInside } from './workers.js'

type Orders = Parameters<typeof signUp>[1]
interface Trouble {
  readonly twilio: Orders
  /** What the second carrier, which nobody can ask what it took, does with the number. */
  readonly central?: string
}

const once = (fault: string, ms?: number): Orders => [{ fault, times: 1, ...(ms !== undefined && { ms }) }]

/** What befalls every fourth message, one after the other. */
const troubles: readonly Trouble[] = [
  ...['503-after-accept', '503', 'reset-after-accept', 'reset-before', 'truncated', 'html-200', 'error-200'].map(
    (fault) => ({ twilio: once(fault) }),
  ),
  // Its receipts come before its answer.
  { twilio: once('slow', 2_500) },
  { twilio: once('429', 600_000) },
  { twilio: [{ fault: 'refuse', code: 21612, times: 1 }] },
  { twilio: once('429', 3_000), central: '503-after-accept' },
]

const people = 1_040
const atOnce = 12

interface Told {
  readonly sid: string
  readonly to: string
  readonly how: string
  readonly ending: string
  readonly done: boolean
}

interface Logged {
  readonly challenge_id: string
  readonly state: string
  /** Whether there is a call of which nobody ever learnt the end. */
  readonly unknown: boolean
  /** The ids of what the carriers took, as far as they were told us. */
  readonly sids: readonly string[]
}

interface Life {
  readonly guest: Guest
  readonly trouble: Trouble | undefined
  readonly entered: number
}

/** One person, whatever happens to his message. Who is told to come again does so with another number. */
async function live(on: Production, n: number): Promise<Life> {
  const trouble = n % 4 === 0 ? troubles[(n / 4) % troubles.length] : undefined
  const central = async (to: string) => {
    if (trouble?.central !== undefined) await on.central?.order({ to, fault: trouble.central, times: 1 })
  }
  const guest = await eventually(
    'a sign-up',
    () => signUp(on, trouble?.twilio, central).catch(async () => sleep(1_000, false as const)),
    30_000,
  )
  return { guest, trouble, entered: n % 5 === 0 ? await getIn(on, guest, 60_000) : 0 }
}

/** All of them, so many at once: a slow machine takes longer, and is not overrun. */
async function liveAll(on: Production): Promise<Life[]> {
  const lives: Life[] = []
  let next = 0
  const each = async () => {
    while (next < people) {
      next += 1
      lives.push(await live(on, next - 1))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, each))
  return lives
}

/** What the log has to say of a message, by what carriers took and told of it. */
function expected(accepts: readonly Accept[], told: readonly Told[], { unknown, sids }: Logged): readonly string[] {
  // Twilio says which message of ours it is about; MessageCentral names its own id, which only its answer could have told us.
  const about = ({ sid }: Told) => sid.startsWith('SM') || sids.includes(sid)
  const heard = told.filter((receipt) => receipt.how !== 'lost' && receipt.how !== 'repeated' && about(receipt))
  if (heard.some(({ ending }) => ending === 'delivered')) return ['delivered']
  // A copy that may be under way may still arrive.
  if (heard.length === accepts.length && !unknown) return ['undelivered']
  return heard.length === accepts.length ? ['undelivered', 'accepted'] : ['accepted', 'unknown']
}

t.test('a thousand codes, two carriers in trouble, receipts of every kind: each is accounted for', async (t) => {
  const on = await production(t, { twoCarriers: true })
  const carriers = [on.carrierUrl, on.central?.url ?? ''].map((url) => caller(t, url))
  await on.report({ to: '*', how: 'mixed' })
  await on.central?.report(on.stack.workerUrl, { to: '*', how: 'mixed' })

  const since = Date.now()
  const all = await liveAll(on)
  t.comment(`${people} sign-ups in ${Date.now() - since} ms`)
  const outside = all.filter(({ entered }) => entered !== 0 && entered !== 201)
  t.same(outside, [], 'whoever typed his code got in')

  const { queue } = lookInside(t, on)
  await eventually(
    'every message to be decided',
    async () => {
      const counts = await queue.getJobCounts('active', 'delayed', 'prioritized', 'waiting')
      return Object.values(counts).every((count) => count === 0)
    },
    60_000,
  )
  const receipts = async () =>
    (await Promise.all(carriers.map(async (call) => (await call('GET', '/receipts')).body))).flat()
  const told: Told[] = await eventually(
    'the carriers to have said it all',
    async () => {
      const found: Told[] = await receipts()
      return found.every(({ done }) => done) && found
    },
    30_000,
  )
  const ledger = groupBy(await on.ledger(), ({ to }) => to)
  const reports = groupBy(told, ({ to }) => to)
  const disagreeing = async () => {
    const rows = await on.sql<Logged>(
      `select challenge_id, state, exists (select from sms_attempts where message_id = id and outcome = 'unknown') as unknown,
          array(select provider_message_id from sms_attempts where message_id = id and provider_message_id is not null) as sids
        from sms_messages where challenge_id = any($1)`,
      [all.map(({ guest }) => guest.challenge.id)],
    )
    const log = new Map(rows.map((row) => [row.challenge_id, row]))
    return all.flatMap(({ guest: { phone, challenge } }) => {
      const row = log.get(challenge.id)
      const [accepts, said] = [ledger.get(phone) ?? [], reports.get(phone) ?? []]
      const right = row !== undefined && expected(accepts, said, row).includes(row.state)
      return right ? [] : [{ row, accepts: accepts.length, told: said.map(({ how, ending }) => `${how} ${ending}`) }]
    })
  }
  await eventually('the log to agree', async () => (await disagreeing()).length === 0, 20_000).catch(() => undefined)
  t.same(await disagreeing(), [], 'the log agrees with what the carriers took and told')

  const askable = all.filter(({ trouble }) => trouble?.central === undefined)
  const one = askable.filter(({ guest }) => ledger.get(guest.phone)?.length === 1).length
  t.ok(one >= 0.999 * askable.length, `${one} of ${askable.length} were accepted exactly once`)
  const worker = on.stack.opsUrls['sms-worker']
  for (const [provider, why] of [
    ['twilio', 'forged'],
    ['twilio', 'unreadable'],
    ['messagecentral', 'astray'],
  ] as const)
    t.ok((await figure(worker, 'latchkey_carrier_calls_refused_total', `provider="${provider}",why="${why}"`)) > 0, why)
  t.comment(
    `${all.length} messages, ${one} of ${askable.length} once; receipts: ${[...groupBy(told, ({ how }) => how)].map(([how, { length }]) => `${how} ${length}`).join(', ')}`,
  )
  await checkInvariants(
    t,
    on,
    all.map(({ guest }) => guest),
  )
})
