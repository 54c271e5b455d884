import { randomBytes, randomInt } from 'node:crypto'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { tellTale } from '../dialects/scene.js'
import { faces } from '../dialects/faces/faces.js'
import { jodimilan } from '../dialects/faces/jodimilan.js'
import { type Client, type Person, randomPerson, world } from '../dialects/world.js'
import type { Answer } from '../journey/journey.js'

const hex = () => randomBytes(2).toString('hex')

/** Ten thousand numbers, by their last four digits, each once. */
function newRange() {
  const start = `+9198${String(randomInt(10 ** 4)).padStart(4, '0')}`
  return (n: number) => `${start}${String(n).padStart(4, '0')}`
}

t.test('pumping', async (t) => {
  const here = await world(t, { GUARD_RANGES: 'enforce', GUARD_NETWORKS: 'enforce', LOG_LEVEL: 'warn' })
  const { client, code, inbox, query, stack } = here
  /** Somebody else in the same /48. */
  const neighbour = ({ address }: Client) => client({ address: `${address.slice(0, 13)}:${hex()}::1` })
  const signUp = (by: Client, phone: string, more = {}) => by.call('POST', '/v1/signup', { phone, ...more })
  const answer = (by: Client, { body }: Answer, right: string) =>
    by.call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code: right })
  const messages = async () =>
    Number((await query(`select count(*) from sms_messages where state = 'delivered'`))[0]?.['count'])

  /** Somebody new, or somebody who has an account here already: whether he got in. */
  async function honest(phone: string, isNew: boolean): Promise<boolean> {
    const by = client()
    const started = isNew ? await signUp(by, phone) : await by.call('POST', '/v1/login/code', { phone })
    if (started.status !== 202) {
      t.comment(`somebody honest was answered with ${started.status}`)
      return false
    }
    const { status } = await answer(by, started, await code(phone, isNew ? 1 : 2))
    return status === (isNew ? 201 : 200)
  }

  await t.test(
    'of 5,000 pumped numbers beside 50 honest ones a hundred get a message at most, and 48 honest people get in',
    async (t) => {
      const range = newRange()
      const accounts = Array.from({ length: 10 }, (_, n) => range(9_000 + n))
      const before = (await messages()) + accounts.length
      for (const phone of accounts) t.ok(await honest(phone, true))
      // Sixty networks, from another address each time.
      const networks = Array.from({ length: 60 }, () => `2001:db8:${hex()}`)
      const pump = async (n: number) => {
        const address = `${networks[n % 60]}:${hex()}::1`
        return (await signUp(client({ address }), range(n))).status === 202
      }
      let [next, pumped, gotIn] = [0, 0, 0]
      const turn = async () => {
        for (let n = next++; n < 5_000; n = next++) {
          if (
            n % 100 === 50 &&
            (await honest(n % 500 === 50 ? (accounts[(n - 50) / 500] ?? '') : range(5_000 + n), n % 500 !== 50))
          )
            gotIn += 1
          if (await pump(n)) pumped += 1
        }
      }
      await Promise.all(Array.from({ length: 24 }, turn))
      t.ok(pumped <= 100, `${pumped} to the pumper`)
      t.ok(gotIn >= 48, `${gotIn} honest people got in`)
      t.comment(`${pumped} to the pumper, ${gotIn} honest people got in`)
      await eventually('the log to tell the same', async () => (await messages()) === before + pumped + gotIn)
    },
  )

  await t.test(
    'in a range that is cut nobody learns who has a number, and accounts are sent their codes',
    async (t) => {
      const range = newRange()
      const [owner, stranger] = [range(1), range(2)]
      t.ok(await honest(owner, true))
      const pumper = client()
      for (let n = 100; n < 121; n++) await signUp(neighbour(pumper), range(n))
      const told = (refused: Answer, phone: string) =>
        JSON.stringify(tellTale(refused, { ...randomPerson(), phone })).replace(
          /"(retryAt|requestId|instance)":"[^"]*"/g,
          '',
        )
      const [taken, free] = [await signUp(pumper, owner), await signUp(pumper, stranger)]
      t.match(taken, { status: 429, headers: { 'retry-after': /^(299|300)$/ }, body: { code: 'rate.limited' } })
      t.equal(told(taken, owner), told(free, stranger))
      t.match(await pumper.call('POST', '/v1/login/code', { phone: owner }), { status: 202 })
      await code(owner, 2)
      t.match(await pumper.call('POST', '/v1/login/code', { phone: stranger }), { status: 202 })
      t.match(await pumper.call('POST', '/v1/password/forgot', { identifier: range(3) }), { status: 202 })
      t.equal((await inbox(stranger)).length, 0)
      const metrics = await fetch(`${stack.opsUrls['auth-gateway']}/metrics`).then((reply) => reply.text())
      t.match(metrics, /^latchkey_sends_refused_total{.*rule="range".*mode="enforce".*} [1-9]/m)
    },
  )

  await t.test(
    'where one call serves accounts, registrations and nobody, all are answered alike and accounts are sent their codes',
    async (t) => {
      const range = newRange()
      const people = [1, 2, 3].map((n) => ({ ...randomPerson(), phone: range(n) }))
      const [owner, waiting, nobody] = people as [Person, Person, Person]
      const by = client()
      t.ok(await honest(owner.phone, true))
      t.equal((await jodimilan.register(by, waiting)).status, 201)
      for (let n = 100; n < 121; n++) await signUp(neighbour(by), range(n))
      await here.later(61)
      const told = async (who: Person) => tellTale(await jodimilan.send(by, who), who)
      const ofOwner = await told(owner)
      t.match(ofOwner, { status: 200 })
      for (const who of [waiting, nobody]) t.same(await told(who), ofOwner)
      await code(owner.phone, 2)
      t.same([(await inbox(waiting.phone)).length, (await inbox(nobody.phone)).length], [1, 0])
    },
  )

  await t.test('every face refuses in its own words what its document has for too many', async (t) => {
    const range = newRange()
    const pumper = client()
    for (let n = 100; n < 121; n++) await signUp(neighbour(pumper), range(n))
    for (const [n, face] of faces.entries()) {
      const who = { ...randomPerson(), phone: range(n) }
      const registered = await face.register(pumper, who)
      t.match(face.registeringSends ? registered : await face.send(pumper, who), face.limited, face.name)
      t.equal((await inbox(who.phone)).length, 0)
    }
  })
})
