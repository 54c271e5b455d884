import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { optOutJobId, receiptJobId } from '@latchkey/contracts/queues/delivery-event'
import { createLog } from '@latchkey/kit/log'
import { eventually, freePort, testStores } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { buildApp } from '../src/app.js'
import { failureReason } from '../src/providers/twilio-receipt-codes.js'
import { centralEnv, createSurroundings, createWorker, randomPrefix, twilioEnv, workerEnv } from './harness.js'
import { authToken, somebody } from './stand-in.js'

const publicUrl = 'https://sms.example.com'
const newSid = () => `SM${randomBytes(16).toString('hex')}`

/** As Twilio documents it, written down a second time: the product asks its SDK. */
function sign(url: string, form: Readonly<Record<string, string>>, token = authToken): string {
  const text = Object.keys(form)
    .sort()
    .map((name) => `${name}${form[name]}`)
    .join('')
  return createHmac('sha1', token).update(`${url}${text}`).digest('base64')
}

type Form = Readonly<Record<string, string>>
interface Sent {
  readonly signedUrl?: string
  readonly token?: string
  readonly signature?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly payload?: string
}

/** The worker's face for carriers, and the queue behind it. */
async function carrierFace(t: Test, more: Record<string, string> = {}) {
  const prefix = randomPrefix()
  const { redisUrl } = testStores()
  const env = {
    ...workerEnv(redisUrl),
    ...twilioEnv({ url: 'http://127.0.0.1:9' }),
    PUBLIC_WORKER_URL: publicUrl,
    ...more,
  }
  const surroundings = createSurroundings(t, { ...env, REDIS_URL: redisUrl, QUEUE_REDIS_URL: redisUrl }, prefix)
  const { desk, metrics, checks } = createWorker(t, env, prefix)
  const app = buildApp({ desk, metrics, log: createLog('test', 'fatal') })
  t.teardown(() => app.close())
  await app.ready()
  if (more['QUEUE_REDIS_URL'] === undefined)
    await eventually('the queue', async () => (await checks['queueRedis']?.()) === undefined)
  return {
    ...surroundings,
    app,
    metrics,
    async post(
      path: string,
      form: Form,
      { signedUrl = `${publicUrl}${path}`, token, signature, headers, payload }: Sent = {},
    ) {
      const answer = await app.inject({
        method: 'POST',
        url: path,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'x-twilio-signature': signature ?? sign(signedUrl, form, token),
          ...headers,
        },
        payload: payload ?? new URLSearchParams(form).toString(),
      })
      return { status: answer.statusCode, body: answer.body, headers: answer.headers }
    },
    queued: async () => (await surroundings.log.getJobs()).map(({ id, data }) => ({ id, data: data as object })),
  }
}

const many = (count: number): Form => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x${n}`, '1']))
const receiptOf = (messageId: string, status = 'delivered', more: Form = {}) => ({
  path: `/receipts/twilio?message=${messageId}&attempt=2`,
  form: { MessageSid: newSid(), MessageStatus: status, To: somebody(), From: '+15005550006', ...more } as const,
})

t.test('what Twilio signed goes on the queue, once however often it is said, and without a number', async (t) => {
  const { post, queued } = await carrierFace(t)
  const messageId = randomUUID()
  const { path, form } = receiptOf(messageId, 'undelivered', {
    ErrorCode: '30003',
    NumSegments: '1',
    Price: '-0.0075',
    PriceUnit: 'USD',
  })
  const answers = await Promise.all(Array.from({ length: 50 }, () => post(path, form)))
  t.ok(answers.every(({ status, body }) => status === 204 && body === ''))
  const said = {
    v: 2 as const,
    kind: 'receipt' as const,
    provider: 'twilio',
    messageId,
    attempt: 2,
    providerMessageId: form.MessageSid,
    state: 'undelivered' as const,
    reason: 'unreachable' as const,
    carrierCode: '30003',
    segments: 1,
    price: '0.0075',
    currency: 'USD',
  }
  const found = await queued()
  t.match(found, [{ id: receiptJobId({ ...said, at: '' }), data: said }])
  t.equal(found.length, 1)
  t.notMatch(JSON.stringify(found), form.To.slice(-8))
})

t.test(
  'it is the address Twilio was told that is signed, with or without its port, and not the one we are called at',
  async (t) => {
    const { post } = await carrierFace(t)
    const { path, form } = receiptOf(randomUUID())
    for (const [signedUrl, status] of [
      [`${publicUrl}${path}`, 204],
      [`${publicUrl}:443${path}`, 204],
      [`${publicUrl}${path}#rc=5&rp=5xx,ct,rt`, 204],
      [`http://localhost${path}`, 403],
      [`${publicUrl}/receipts/twilio`, 403],
    ] as const)
      t.equal((await post(path, form, { signedUrl, headers: { host: 'localhost' } })).status, status, signedUrl)
  },
)

t.test('what is forged, changed, repeated, too large or in another shape is refused and changes nothing', async (t) => {
  const { app, post, queued } = await carrierFace(t)
  const { path, form } = receiptOf(randomUUID())
  const good = sign(`${publicUrl}${path}`, form)
  const another = receiptOf(randomUUID()).path
  const body = new URLSearchParams(form).toString()
  const cases: [string, number, () => ReturnType<typeof post>][] = [
    ['another token', 403, () => post(path, form, { token: 'a guess' })],
    ['no signature', 403, () => post(path, form, { signature: '' })],
    ['a changed body', 403, () => post(path, { ...form, MessageStatus: 'failed' }, { signature: good })],
    ['another message', 403, () => post(another, form, { signature: good })],
    ['another attempt', 403, () => post(path.replace('=2', '=1'), form, { signature: good })],
    ['a repeated key', 400, () => post(path, form, { signature: good, payload: `${body}&MessageStatus=delivered` })],
    ['a repeated key in the query', 400, () => post(`${path}&message=${randomUUID()}`, form)],
    ['more than a carrier says', 400, () => post(path, { ...form, ...many(100) })],
    ['a longer address than any of ours', 400, () => post(`${path}&${new URLSearchParams(many(19)).toString()}`, form)],
    ['a status nobody knows', 400, () => post(path, { ...form, MessageStatus: 'teleported' })],
    ['no id of a message of ours', 400, () => post('/receipts/twilio?message=1', form)],
    ['an id of another kind', 400, () => post(path, { ...form, MessageSid: 'CA1' })],
    ['JSON', 415, () => post(path, form, { headers: { 'content-type': 'application/json' }, payload: '{}' })],
    ['plain text', 415, () => post(path, form, { headers: { 'content-type': 'text/plain' }, payload: body })],
    ['20 KB', 413, () => post(path, form, { payload: `${body}&Body=${'x'.repeat(20_000)}` })],
    ['another carrier', 404, () => post('/receipts/pigeon', form)],
    ['a carrier that signs nothing', 404, () => post('/receipts/messagecentral', form)],
  ]
  for (const [what, status, call] of cases) t.match(await call(), { status }, what)
  t.equal((await app.inject({ method: 'GET', url: path })).statusCode, 405)
  t.same(await queued(), [])
})

t.test('where no address is public nobody is listened to', async (t) => {
  const { post, queued } = await carrierFace(t, { PUBLIC_WORKER_URL: '' })
  const { path, form } = receiptOf(randomUUID())
  t.equal((await post(path, form, { signedUrl: path })).status, 404)
  t.same(await queued(), [])
})

t.test('a queue that cannot take it asks the carrier to come again', async (t) => {
  const { post } = await carrierFace(t, { QUEUE_REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
  const { path, form } = receiptOf(randomUUID())
  const { status, headers } = await post(path, form)
  t.equal(status, 503)
  t.equal(headers['retry-after'], '1')
})

t.test('who forges all the time is told so less and less; the carrier is always heard', async (t) => {
  const { post } = await carrierFace(t)
  const { path, form } = receiptOf(randomUUID())
  const statuses: number[] = []
  for (let n = 0; n < 65; n += 1) statuses.push((await post(path, form, { token: 'a guess' })).status)
  t.same([statuses[0], statuses[59], statuses[60]], [403, 403, 429])
  t.equal((await post(path, form)).status, 204)
})

t.test('every status of Twilio means something, and failures have a reason in our words', (t) => {
  const reasons: Record<number, string> = {
    30002: 'misconfigured',
    30003: 'unreachable',
    30004: 'blocked',
    30005: 'invalid_number',
    30006: 'not_mobile',
    30007: 'blocked',
    30034: 'misconfigured',
    30450: 'blocked',
    21610: 'opted_out',
    30001: 'carrier_failed',
    30008: 'carrier_failed',
    99999: 'carrier_failed',
  }
  for (const [code, reason] of Object.entries(reasons)) t.equal(failureReason(Number(code)), reason, code)
  t.equal(failureReason(undefined), 'carrier_failed')
  t.end()
})

t.test(
  'STOP and START are heard however they are written, HELP is answered with our name, the rest with nothing',
  async (t) => {
    const { post, queued } = await carrierFace(t, { BRAND_NAME: 'Acme & Co' })
    const from = somebody()
    const said: [string, string | undefined][] = [
      ...['STOP', 'stopall', ' Unsubscribe ', 'CANCEL', 'end.', 'Quit!', 'revoke', 'opt-out', 'STOP ALL'].map(
        (body): [string, string] => [body, 'stop'],
      ),
      ...['START', 'yes', 'unstop'].map((body): [string, string] => [body, 'start']),
      ['HELP', undefined],
      ['info', undefined],
      ['please stop it', undefined],
      ['123456', undefined],
      ['', undefined],
    ]
    const expected: object[] = []
    for (const [Body, word] of said) {
      const form = { MessageSid: newSid(), From: from, To: '+15005550006', Body }
      const { status, headers, body } = await post('/inbound/twilio', form)
      t.equal(status, 200)
      t.match(headers['content-type'], 'text/xml')
      if (['HELP', 'info'].includes(Body))
        t.match(body, /<Response><Message>Acme &amp; Co: .*STOP.*START.*<\/Message><\/Response>/)
      else t.match(body, /^(<\?xml[^>]*>)?<Response\/>$/)
      if (word === 'stop' || word === 'start') expected.push({ word, source: form.MessageSid, provider: 'twilio' })
    }
    const events = (await queued()).map(
      ({ data }) => data as { number: string; word: string; source: string; provider: string },
    )
    const bySource = (a: { source?: string }, b: { source?: string }) =>
      String(a.source).localeCompare(String(b.source))
    t.match(events.sort(bySource), expected.sort(bySource))
    t.equal(events.length, expected.length)
    t.equal(new Set(events.map(({ number }) => number)).size, 1)
    t.notMatch(JSON.stringify(await queued()), from.slice(-8))
  },
)

t.test('a word that comes again is one word; a forged one is none', async (t) => {
  const { post, queued } = await carrierFace(t)
  const form = { MessageSid: newSid(), From: somebody(), To: '+15005550006', Body: 'STOP' }
  for (let n = 0; n < 3; n += 1) await post('/inbound/twilio', form)
  t.equal((await post('/inbound/twilio', { ...form, MessageSid: newSid() }, { token: 'a guess' })).status, 403)
  t.equal(
    (await post('/inbound/twilio', form, { payload: `${new URLSearchParams(form).toString()}&From=%2B15005550007` }))
      .status,
    400,
  )
  t.match(await queued(), [
    {
      id: optOutJobId({
        v: 2,
        kind: 'opt_out',
        number: '',
        word: 'stop',
        provider: 'twilio',
        source: form.MessageSid,
        at: '',
      }),
    },
  ])
  t.equal((await queued()).length, 1)
})

t.test('a receipt that says the number had said STOP tells the list, too', async (t) => {
  const { post, queued } = await carrierFace(t)
  const { path, form } = receiptOf(randomUUID(), 'failed', { ErrorCode: '21610' })
  t.equal((await post(path, form)).status, 204)
  const found = (await queued()).map(({ data }) => data)
  t.match(
    found.find((event) => 'word' in event),
    { word: 'refused', source: form.MessageSid },
  )
  t.match(
    found.find((event) => 'state' in event),
    { state: 'undelivered', reason: 'opted_out' },
  )
  t.notMatch(JSON.stringify(found), form.To.slice(-8))
})

const secret = randomBytes(24).toString('base64url')
const central = { ...centralEnv({ url: 'http://127.0.0.1:9' }), MESSAGECENTRAL_RECEIPT_TOKEN: secret }
const json = (payload: unknown) => ({
  payload: JSON.stringify(payload),
  headers: { 'content-type': 'application/json' },
})

t.test('MessageCentral is believed at the path that it alone knows, and nowhere else', async (t) => {
  const { post, queued, metrics } = await carrierFace(t, central)
  const said = json({ transactionId: 'T-1', status: 'DELIVERED' })
  const wrong = [
    '/receipts/messagecentral',
    '/receipts/messagecentral/',
    `/receipts/messagecentral/${secret.slice(1)}`,
    `/receipts/messagecentral/${secret}a`,
    `/receipts/messagecentral/${secret.toUpperCase()}`,
    `/receipts/messagecentral?token=${secret}`,
    `/receipts/twilio/${secret}`,
    `/receipts/pigeon/${secret}`,
  ]
  for (const path of wrong) t.notOk([200, 204].includes((await post(path, {}, said)).status), path)
  t.equal((await post(`/receipts/messagecentral/${randomBytes(24).toString('base64url')}`, {}, said)).status, 404)
  t.equal((await post('/inbound/messagecentral', {}, {})).status, 404)
  t.same(await queued(), [])

  const path = `/receipts/messagecentral/${secret}`
  const answers = await Promise.all(Array.from({ length: 50 }, () => post(path, {}, said)))
  t.ok(answers.every(({ status }) => status === 204))
  t.match(await queued(), [
    { data: { v: 3, kind: 'receipt', provider: 'messagecentral', providerMessageId: 'T-1', state: 'delivered' } },
  ])
  for (const [n, [words, state]] of Object.entries([
    [{ data: { verificationId: 20, deliveryStatus: 'undeliv' } }, 'undelivered'],
    [{ messageId: 'M_1', status: 'Rejected' }, 'undelivered'],
    [{ transactionId: 'T-2', status: 'SENT' }, 'accepted'],
  ] as const)) {
    t.equal((await post(path, {}, json(words))).status, 204)
    t.equal((await queued()).filter(({ data }) => 'state' in data && data.state === state).length > 0, true, n)
  }
  t.equal((await post(path, { transactionId: 'T-3', status: 'FAILED' })).status, 204, 'as a form')
  const before = (await queued()).length
  const bad = [
    json({ transactionId: 'T-4', status: 'TELEPORTED' }),
    json({ status: 'DELIVERED' }),
    json({ transactionId: 'T 4', status: 'DELIVERED' }),
    json({ transactionId: 'T-4', status: 'DELIVERED', data: { status: 'FAILED' } }),
    json([1]),
    json(null),
    json({ transactionId: { id: 'T-4' }, status: ['DELIVERED'] }),
    json({ transactionId: null, verificationId: null, status: 'DELIVERED' }),
    json({ transactionId: 'T-4', status: '__proto__' }),
    json({ data: [{ transactionId: 'T-4', status: 'DELIVERED' }] }),
    { payload: '{', headers: { 'content-type': 'application/json' } },
    { payload: 'transactionId=T-4&status=DELIVERED&status=FAILED' },
  ]
  for (const shape of bad) t.equal((await post(path, {}, shape)).status, 400, shape.payload)
  t.equal((await queued()).length, before)
  const refused = 'latchkey_carrier_calls_refused_total{provider="messagecentral",why="unreadable"'
  t.ok(
    (await metrics.metrics()).split('\n').some((line) => line.startsWith(refused) && line.endsWith(` ${bad.length}`)),
  )
})

t.test('without a secret path nothing is claimed of MessageCentral; a guessed one is nobody’s', async (t) => {
  const { MESSAGECENTRAL_RECEIPT_TOKEN: _secret, ...silent } = central
  const none = await carrierFace(t, silent)
  t.equal((await none.post(`/receipts/messagecentral/${secret}`, {}, json({}))).status, 404)
  await t.rejects(carrierFace(t, { ...central, MESSAGECENTRAL_RECEIPT_TOKEN: 'short' }), /MESSAGECENTRAL_RECEIPT_TOKEN/)
  const { post } = await carrierFace(t, central)
  const statuses: number[] = []
  for (let n = 0; n < 65; n += 1)
    statuses.push((await post(`/receipts/messagecentral/${secret}${n}`, {}, json({}))).status)
  t.same([statuses[0], statuses[59], statuses[60]], [404, 404, 429])
})
