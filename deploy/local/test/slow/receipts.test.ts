import { randomBytes } from 'node:crypto'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { caller } from '../journey/journey.js'
import { checkInvariants } from './invariants.js'
import { getIn, type Guest, signUp } from './people.js'
import { production } from './production.js'
import { logOf } from './workers.js'

interface Order {
  readonly how: string
  readonly ending?: 'delivered' | 'undelivered' | 'failed'
  readonly code?: number
  readonly ms?: number
}

interface Told {
  readonly how: string
  readonly ending: string
  readonly answers: readonly number[]
  readonly done: boolean
}

const manners: readonly Order[] = ['usual', 'late', 'duplicated', 'reordered', 'forged', 'replayed'].flatMap((how) => [
  { how, ms: how === 'late' ? 3_000 : 20 },
  { how, ending: 'undelivered', ms: how === 'late' ? 3_000 : 20 },
])

t.test('receipts in every manner, and what people text: the log agrees with the carrier', async (t) => {
  const on = await production(t)
  const carrier = caller(t, on.carrierUrl)
  const told = async ({ phone }: Guest): Promise<Told | undefined> =>
    (await carrier('GET', `/receipts?to=${encodeURIComponent(phone)}`)).body[0]

  async function reported({ how, ...order }: Order, fault?: { fault: string; ms: number; times: number }) {
    await carrier('POST', '/receipts', { to: '*', how, ...order })
    const guest = await signUp(on, fault === undefined ? [] : [fault])
    await eventually('the carrier to have said it all', async () => (await told(guest))?.done === true, 30_000)
    return guest
  }
  const guests: Guest[] = []
  for (const order of manners) {
    const guest = await reported(order)
    guests.push(guest)
    const state = order.ending ?? 'delivered'
    await eventually(`${order.how}: ${state}`, async () => (await logOf(on, guest))[0]?.state === state)
    const { answers = [] } = (await told(guest)) ?? {}
    t.ok(
      answers.every((status) => status === 204 || (status === 403 && order.how === 'forged')),
      `${order.how}: ${answers.join()}`,
    )
    const { body } = await on.call('GET', `/v1/challenges/${guest.challenge.id}`)
    t.match(
      body,
      state === 'delivered' ? { delivery: 'delivered' } : { delivery: 'failed', reason: 'could not be reached' },
    )
    t.equal(await getIn(on, guest), 201)
  }

  const early = await reported({ how: 'usual', ms: 0 }, { fault: 'slow', ms: 2_500, times: 1 })
  await eventually('a receipt before the answer', async () => (await logOf(on, early))[0]?.state === 'delivered')
  const saved = await reported({ how: 'usual' }, { fault: '503-after-accept', ms: 0, times: 1 })
  await eventually('a receipt of an unknown end', async () => (await logOf(on, saved))[0]?.state === 'delivered')
  t.equal(await getIn(on, saved), 201)
  for (const how of ['lost', 'repeated']) {
    const guest = await reported({ how })
    await eventually(`${how}: accepted`, async () => (await logOf(on, guest))[0]?.state === 'accepted')
    if (how === 'repeated') t.same((await told(guest))?.answers, [400])
    guests.push(guest)
  }
  await checkInvariants(t, on, [...guests, early, saved])

  const { phone } = saved
  const text = async (body: string) => {
    const sid = `SM${randomBytes(16).toString('hex')}`
    const url = `${on.stack.workerUrl}/inbound/twilio`
    return (await carrier('POST', '/inbound', { url, from: phone, to: '+15005550006', body, sid })).body
  }
  const asked = async () => {
    const { body } = await on.call('POST', '/v1/login/code', { phone })
    return body.challenge.id as string
  }
  const states = () =>
    on.sql<{ opted_out: boolean }>('select opted_out from opt_outs').then((rows) => rows.map((row) => row.opted_out))
  t.match(await text('Stop'), { status: 200, text: '<Response/>' })
  await eventually('STOP to be known', async () => (await states()).join() === 'true')
  const before = (await on.ledger()).length
  const challenge = await asked()
  await eventually('no code after STOP', async () => {
    const rows = await on.sql<{ state: string }>('select state from sms_messages where challenge_id = $1', [challenge])
    return rows[0]?.state === 'rejected'
  })
  t.match((await on.call('GET', `/v1/challenges/${challenge}`)).body, { delivery: 'sent' }, 'a log-in tells no failure')
  t.equal((await on.ledger()).length, before)
  t.match(await text('HELP'), { status: 200, text: /<Message>Latchkey: / })
  t.match(await text('START'), { status: 200, text: '<Response/>' })
  await eventually('START to be known', async () => (await states()).join() === 'false')
})
