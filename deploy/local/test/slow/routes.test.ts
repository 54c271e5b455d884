import { Redis } from 'ioredis'
import t from 'tap'
import { Check } from 'typebox/schema'
import { Problem } from '@latchkey/contracts/endpoint'
import { eventually } from '@latchkey/kit/testing'
import { Pool } from 'undici'
import { faces } from '../dialects/faces/faces.js'
import { settle } from '../dialects/scene.js'
import { randomPerson, world } from '../dialects/world.js'
import type { Answer } from '../journey/journey.js'
import { inPostgres } from '../journey/hiding-places.js'
import { otherPaths, samePaths } from '../edge/addresses.js'
import { playLogIns, playSpellings } from '../edge/phones.js'
import { type Good, malformed, type Wire } from '../edge/malformed.js'
import { fieldsOf, nameOf, type Operation, readOperations, sample, undeclared } from '../edge/operations.js'
import { rawAnswers } from '../edge/raw.js'

const anId = `abc.${'0'.repeat(32)}`
const atOnce = 32
/** What a call wants though its schema could do without. */
const beside: Readonly<Record<string, object>> = {
  'POST /v1/signup': { phone: '+919876543210' },
  'POST /staged/api/auth/login': { username: 'asha.rao' },
}

t.test('every route of every face', async (t) => {
  const all = await world(t, { EXEMPT_CLIENTS: '127.0.0.0/8,2001:db8::/32' })
  const by = all.client()
  const pool = new Pool(all.stack.gatewayUrl, { connections: atOnce })
  t.teardown(() => pool.destroy())
  async function ask({ method, path, headers, body }: Wire): Promise<Answer> {
    const answer = await pool.request({
      method,
      path,
      headers: { ...headers },
      ...(body !== undefined && { body }),
    })
    const text = await answer.body.text()
    const isJson = String(answer.headers['content-type']).includes('json')
    const read = text === '' ? null : isJson ? JSON.parse(text) : text
    return { status: answer.statusCode, headers: answer.headers, body: read }
  }

  const tokens = new Map<string, string>()
  for (const face of faces) {
    const { token } = await settle({ face, code: all.code }, by)
    if (token !== undefined) tokens.set(face.name, token)
  }
  const me = randomPerson()
  const { body } = await by.call('POST', '/v1/signup', me)
  const answered = await by.call('POST', `/v1/challenges/${body.challenge.id}/answer`, {
    code: await all.code(me.phone),
  })
  tokens.set('v1', answered.body.session.accessToken)
  // What was decided is written down behind the answers, and not in one order.
  await eventually('all of that in the trace', async () => {
    const rows = await all.query('select kind, count(*)::int from message_trace group by kind')
    const kinds = ['opened', 'queued', 'right'].map((kind) => rows.find((row) => row['kind'] === kind)?.['count'])
    return kinds.every((count) => count === faces.length + 1)
  })

  const operations = await readOperations((path) => by.call('GET', path))
  const good = (operation: Operation): Good => {
    const { face, path, bearer, body: schema, parameters = [] } = operation
    const { phone, email, username } = randomPerson()
    const query = parameters.flatMap(({ name, in: place }) =>
      place === 'query' && name === 'email' ? [`email=${email}`] : [],
    )
    const text = JSON.stringify(schema && { ...(sample(schema) as object), ...beside[nameOf(operation)] })
    // Nobody whom another operation knows: a cooldown would refuse what is meant to be good.
    const own = text?.replaceAll('9876543210', phone.slice(3)).replaceAll('john@', 'asha@')
    const fields = own?.replaceAll('asha@example.com', email).replaceAll('asha.rao', username)
    return {
      path: [path.replace(/\{\w+\}/, anId), ...query].join('?'),
      ...(fields !== undefined && { body: JSON.parse(fields) }),
      ...(bearer && { token: tokens.get(face) }),
    }
  }

  /** Asks for all of them, a few at a time; what is wrong with any answer. */
  async function walk<Asked extends { what: string; wire: Wire }>(
    operation: Operation,
    asked: readonly Asked[],
    judge: (answer: Answer, one: Asked) => string | undefined,
  ): Promise<string[]> {
    const flaws: string[] = []
    const waiting = [...asked]
    async function work(): Promise<void> {
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
        const answer = await ask(one.wire)
        const flaw = judge(answer, one)
        const told = JSON.stringify(answer.body)?.slice(0, 200)
        if (flaw !== undefined) flaws.push(`${nameOf(operation)}, ${one.what}: ${flaw}: ${answer.status} ${told}`)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    return flaws
  }

  const left = async () => ({ rows: await rowsOf(all.stack.databaseUrl), keys: await keysOf(all.stack.redisUrl) })
  const before = await left()

  await t.test('whatever is wrong with a body is refused as the face documents it', async (t) => {
    let asked = 0
    for (const operation of operations) {
      // The first of its face stands for all.
      const thorough = operations.find(({ face }) => face === operation.face) === operation
      const tries = malformed(operation, good(operation), thorough)
      asked += tries.length
      const flaws = await walk(operation, tries, (answer, { statuses, at }) => {
        if (!statuses.includes(answer.status)) return `is none of ${statuses.join(', ')}`
        const flaw = undeclared(operation, answer) ?? misshapen(operation.face, answer)
        if (flaw !== undefined || operation.face !== 'v1' || at === undefined) return flaw
        const paths = (answer.body.errors as { path: string }[] | undefined)?.map(({ path }) => path) ?? []
        return paths.some((path) => path === at || path.startsWith(`${at}/`)) ? undefined : `does not point to ${at}`
      })
      t.same(flaws, [], nameOf(operation))
    }
    t.ok(asked > 1_000, `${asked} were tried`)
  })

  await t.test('what a dialect does not know changes nothing about its answer', async (t) => {
    const strange = {
      colour: 'red',
      constructor: 1,
      toString: null,
      isAdmin: true,
      deep: JSON.parse('['.repeat(500) + ']'.repeat(500)),
    }
    for (const operation of operations.filter(({ face, body: schema }) => face !== 'v1' && schema !== undefined)) {
      const { path, body: fields } = good(operation)
      const [missing = ''] = operation.body?.required ?? []
      const wire = (body: object): Wire => ({
        method: operation.method,
        path,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...body, [missing]: undefined }),
      })
      const plain = await ask(wire(fields as object))
      t.ok([400, 422].includes(plain.status), nameOf(operation))
      t.same((await ask(wire({ ...strange, ...(fields as object) }))).body, plain.body, nameOf(operation))
    }
  })

  await t.test('what stands in the query is held to the same', async (t) => {
    const queries = [
      '',
      '?email=',
      '?email=a&email=b',
      '?email[]=a@b.com',
      '?email=%00@b.com',
      '?email=a%zz',
      '?email=%ff@b.com',
    ]
    const more = [
      '?__proto__=x',
      '?constructor=x',
      `?email=${'x'.repeat(300)}@b.com`,
      '?EMAIL=a@b.com',
      '?email=a@b.com%00',
    ]
    // Of whoever must say first who he is, nothing is looked at before that.
    const byEmail = ({ bearer, parameters = [] }: Operation) =>
      !bearer && parameters.some(({ name, in: place }) => place === 'query' && name === 'email')
    for (const operation of operations.filter(byEmail)) {
      const { path, body: fields } = good(operation)
      const tries = [...queries, ...more].map((query) => ({
        what: query,
        wire: {
          method: operation.method,
          path: path.replace(/\?.*/, query),
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(fields ?? {}),
        },
      }))
      const judge = (answer: Answer) => (answer.status === 422 ? undeclared(operation, answer) : 'is no 422')
      t.same(await walk(operation, tries, judge), [])
    }
  })

  await t.test('a path that is spelled otherwise is the same path, or leads nowhere', async (t) => {
    for (const operation of operations) {
      const path = operation.path.replace(/\{\w+\}/, anId)
      const { method } = operation
      // Nothing that could succeed, should it arrive.
      const wire = (spelled: string): Wire =>
        method === 'GET'
          ? { method, path: spelled, headers: {} }
          : { method, path: spelled, headers: { 'content-type': 'application/json' }, body: '[]' }
      const plain = await ask(wire(path))
      for (const same of samePaths(path)) {
        const { status, body: told } = await ask(wire(same))
        t.same({ status, told }, { status: plain.status, told: plain.body }, same)
      }
      const tries = otherPaths(path).map((spelled) => ({ what: spelled.slice(0, 80), wire: wire(spelled) }))
      const judge = (answer: Answer, { wire: { path: spelled } }: { wire: Wire }) =>
        [400, 401, 404, 405, 410, 422].includes(answer.status)
          ? misshapen(faceAt(spelled, operation.face), answer)
          : 'is no refusal'
      t.same(await walk(operation, tries, judge), [], nameOf(operation))
    }
  })

  await t.test('a method that a path does not have is 405 and told which it has, whatever the method', async (t) => {
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'SEARCH', 'M-SEARCH']
    for (const path of new Set(operations.map((operation) => operation.path))) {
      const here = operations.filter((operation) => operation.path === path)
      const has = here.map(({ method }) => method as string)
      const [operation] = here as [Operation]
      const others = methods.filter((method) => !has.includes(method) && !(method === 'HEAD' && has.includes('GET')))
      const tries = others.map((method) => ({
        what: method,
        wire: { method, path: path.replace(/\{\w+\}/, anId), headers: {} },
      }))
      const judge = (answer: Answer, { what }: { what: string }) => {
        if (answer.status !== 405) return 'is no 405'
        const allowed = String(answer.headers['allow']).split(', ')
        if (has.some((method) => !allowed.includes(method))) return `allows ${allowed.join()}`
        return what === 'HEAD' ? undefined : misshapen(operation.face, answer)
      }
      t.same(await walk(operation, tries, judge), [], path)
    }
  })

  await t.test('what is hardly HTTP is refused as well, or not answered', async (t) => {
    for (const { what, status, body: told } of await rawAnswers(all.stack.gatewayUrl)) {
      t.ok(status === undefined || (status >= 300 && status < 500), `${what}: ${status}`)
      if (status !== undefined && status >= 400) t.ok(Check(Problem, told), `${what}: ${JSON.stringify(told)}`)
    }
  })

  await t.test('what is no code opens no decoy, and is counted by nobody', async (t) => {
    const keys = await keysOf(all.stack.redisUrl)
    for (const operation of operations) {
      const { path, body: fields } = good(operation)
      const [name] = Object.keys(fieldsOf(operation.body)).filter((one) => one === 'code' || one === 'otp')
      if (name === undefined) continue
      for (const text of ['abcdef', '12345x', '\u0661\u0662\u0663\u0664\u0665\u0666', '123', ' ']) {
        const { method } = operation
        const body = JSON.stringify({ ...(fields as object), [name]: text })
        const answer = await ask({ method, path, headers: { 'content-type': 'application/json' }, body })
        t.ok([400, 422].includes(answer.status), `${nameOf(operation)} ${text}: ${answer.status}`)
      }
    }
    t.same(await keysOf(all.stack.redisUrl), keys)
  })

  t.strictSame(await left(), before, 'nothing came of any of it: no row, no challenge, no send, no message')

  await t.test('however a number is spelled, it is the number that it is on every face, or refused', (t) =>
    playSpellings(t, all),
  )
  await t.test('whoever spells his number otherwise is still himself', (t) => playLogIns(t, all))

  await t.test('it was the fault that was refused: without one the same requests are not', async (t) => {
    for (const operation of operations) {
      const { path, body: fields, token } = good(operation)
      const headers = {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(fields !== undefined && { 'content-type': 'application/json' }),
      }
      const body = fields === undefined ? {} : { body: JSON.stringify(fields) }
      const answer = await ask({ method: operation.method, path, headers, ...body })
      t.equal(undeclared(operation, answer), undefined, nameOf(operation))
      // No mail can be sent here. What no code and no token was right for is said to be expired.
      // A call without a body says in its query what it is about.
      if (fields === undefined || path === '/v1/me/email' || /expired/.test(JSON.stringify(answer.body))) continue
      t.notOk([400, 422].includes(answer.status), `${nameOf(operation)}: ${JSON.stringify(answer.body)}`)
    }
  })
})

/** Which face refuses a path, as it is spelled: that of its prefix. What only decodes to it is refused by whoever it leads to. */
function faceAt(path: string, face: string): string {
  if (face === 'v1' || path.startsWith(`/${face}/`)) return face
  return 'v1'
}

/** What is wrong with a refusal of a face, wherever it comes from. */
function misshapen(face: string, answer: Answer): string | undefined {
  if (/FST_|SyntaxError|node_modules|\.js:\d/.test(JSON.stringify(answer.body))) return 'tells of the inside'
  if (face !== 'v1') {
    const speaker = faces.find(({ name }) => name === face)
    return speaker?.isShaped(answer) === true ? undefined : `is not as ${face} says it`
  }
  const type = String(answer.headers['content-type'])
  if (!type.startsWith('application/problem+json')) return `comes as ${type}`
  return Check(Problem, answer.body) ? undefined : 'is no problem document'
}

/** Every row but those of messages, which are written down later than they are sent. */
async function rowsOf(databaseUrl: string): Promise<[string, string][]> {
  return [...(await inPostgres(databaseUrl))].filter(([table]) => !table.startsWith('sms_'))
}

/** What is left in Redis of challenges, of sends and of messages. */
async function keysOf(redisUrl: string): Promise<string[]> {
  const redis = new Redis(redisUrl)
  const keys = await redis.keys('*')
  redis.disconnect()
  return keys.filter((key) => /:(?:challenge|sends|ladder|found|notice|wrong):|:sms:m-/.test(key)).sort()
}
