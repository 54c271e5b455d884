import type { ChallengeMessage } from '@latchkey/contracts/challenge-record'
import { purposes } from '@latchkey/contracts/v1/shapes'
import { createServer } from 'node:net'
import { createSealer } from '@latchkey/kit/seal'
import { mailboxContext, mailboxKey } from '@latchkey/contracts/mailbox-record'
import { eventually } from '@latchkey/kit/testing'
import { parseKeyRing } from '@latchkey/kit/key-ring'
import t, { type Test } from 'tap'
import { createSmtp, type MailServer } from '../src/providers/smtp.js'
import { createWriteLetter } from '../src/messages/letter.js'
import { attemptsIn, codeFor, createSurroundings, createWorker, randomPrefix, workerEnv } from './harness.js'
import { type Ailment, someMailbox, startMailServer } from './mail-server.js'

t.jobs = 6
const server = await startMailServer(t)

/** A queue, challenges and a worker of its own that hands mail in at `server`. */
function setUp(t: Test, env: Record<string, string> = server.env) {
  const all = { ...workerEnv(), ...env }
  const prefix = randomPrefix()
  const around = createSurroundings(t, all, prefix)
  const worker = createWorker(t, all, prefix)
  worker.consumer.start()
  return { ...around, all, worker }
}

/** Attempts that may have brought something, or ended it. */
const certain = (outcomes: readonly string[]) => outcomes.filter((outcome) => outcome !== 'not_sent')

t.test('a code goes by mail once: text and HTML, and nothing of it in the subject', async (t) => {
  const { open, queue, until } = setUp(t)
  const to = someMailbox()
  const job = await open({ message: codeFor(to), purpose: 'sign_up' })
  await queue(job)
  const [attempt] = attemptsIn(await until(job, 'accepted'))
  t.match(attempt, { provider: 'smtp', outcome: 'accepted', providerMessageId: `${job.messageId}-1` })
  const [mail, ...more] = server.to(to)
  t.strictSame(more, [])
  t.equal(mail?.from, 'codes@acme.example')
  const [head = '', ...body] = (mail?.raw ?? '').split('\r\n\r\n')
  t.match(head, `To: ${to}`)
  t.match(head, 'From: Acme Codes <codes@acme.example>')
  t.match(head, 'Subject: Your Latchkey code')
  t.match(head, `Message-ID: <${job.messageId}@acme.example>`)
  t.match(head, 'Auto-Submitted: auto-generated')
  t.notMatch(head, '483921')
  t.equal(body.join('').match(/483921/g)?.length, 2)
})

t.test('what a mail server says decides what becomes of a message', async (t) => {
  t.jobs = 6
  const cases: readonly (readonly [string, Ailment[], readonly string[], string, number])[] = [
    ['has too much to do for a moment', [{ at: 'rcpt', code: 421 }], ['not_sent', 'accepted'], 'accepted', 1],
    ['is greylisting', [{ at: 'rcpt', code: 450 }], ['not_sent', 'accepted'], 'accepted', 1],
    ['knows no such mailbox', [{ at: 'rcpt', code: 550 }], ['rejected'], 'rejected', 0],
    ['refuses the content', [{ at: 'content', code: 554 }], ['rejected'], 'rejected', 0],
    ['has no room for the content', [{ at: 'content', code: 452 }], ['not_sent', 'accepted'], 'accepted', 1],
    [
      'takes it and is gone before it says so',
      [{ at: 'content', drops: true }],
      ['unknown', 'accepted'],
      'accepted',
      2,
    ],
    [
      'takes it and does not say so in time',
      [{ at: 'content', afterMs: 6_000 }],
      ['unknown', 'accepted'],
      'accepted',
      2,
    ],
  ]
  for (const [what, ailments, outcomes, state, taken] of cases)
    t.test(what, async (t) => {
      // Who drops one connection drops all of them.
      const own = await startMailServer(t)
      const { open, queue, until, finished, events } = setUp(t, own.env)
      const to = someMailbox()
      own.ail(to, ...ailments)
      const job = await open({ message: codeFor(to), purpose: 'sign_up' })
      await queue(job)
      await until(job, state as 'accepted')
      await finished(job)
      const log = await events(job)
      const tried = attemptsIn(log).map(({ outcome }) => outcome)
      // A machine without time for it may not get through to the server at all, and tries again.
      if (!outcomes.includes('not_sent')) t.strictSame(certain(tried), outcomes)
      else t.match([tried.includes('not_sent'), certain(tried)], [true, certain(outcomes)])
      t.equal(own.to(to).length, taken)
      t.notMatch(JSON.stringify(log), /example\.com|483921/, 'nothing that a server says is kept')
      if (state === 'rejected') t.match(log.at(-1), { reason: /^(no_mailbox|mail_refused)$/ })
    })
})

t.test(
  'a mail server that takes a message and is gone before it says so gets the same code once more, and never a third time',
  async (t) => {
    const own = await startMailServer(t)
    const { open, queue, until, finished, events } = setUp(t, own.env)
    const to = someMailbox()
    own.ail(to, ...Array.from({ length: 5 }, () => ({ at: 'content', drops: true }) as const))
    const job = await open({ message: codeFor(to), purpose: 'sign_up', lifeMs: 20_000 })
    await queue(job)
    await until(job, 'unknown')
    await finished(job)
    const tried = attemptsIn(await events(job)).map(({ outcome }) => outcome)
    t.strictSame(certain(tried), ['unknown', 'unknown'])
    const ids = own.to(to).map(({ raw }) => /^Message-ID: (.*)$/m.exec(raw)?.[1])
    t.equal(ids.length, 2)
    t.equal(new Set(ids).size, 1, 'mail programs show one of them')
  },
)

t.test('a mail server that hangs keeps no SMS waiting', async (t) => {
  const own = await startMailServer(t)
  const { open, queue, until, events } = setUp(t, { ...own.env, WORKER_CONCURRENCY: '5' })
  const mails = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const to = someMailbox()
      own.ail(to, { at: 'content', afterMs: 20_000 })
      return open({ message: codeFor(to), purpose: 'sign_in' })
    }),
  )
  for (const mail of mails) await queue(mail)
  for (const mail of mails) await until(mail, 'sending')
  const text = await open({ message: codeFor('+919876543210'), purpose: 'sign_in' })
  await queue(text)
  await until(text, 'delivered')
  const told = (await Promise.all(mails.map((mail) => events(mail)))).flat()
  const states = new Set(told.map((event) => ('state' in event ? event.state : 'attempt')))
  t.strictSame([...states], ['sending'], 'it went before any mail came to its end')
})

t.test('a code that ended is never mailed, nor one that was replaced', async (t) => {
  const { open, queue, until, change } = setUp(t)
  const [late, old] = [someMailbox(), someMailbox()]
  const expired = await open({ message: codeFor(late), lifeMs: -1 })
  const replaced = await open({ message: codeFor(old) })
  await change(replaced, { generation: 2 })
  await queue(expired)
  await queue(replaced)
  await until(expired, 'expired_unsent')
  await until(replaced, 'superseded_unsent')
  t.strictSame([...server.to(late), ...server.to(old)], [])
})

t.test('a code dies while its mail server is busy, and is not mailed after its time', async (t) => {
  const own = await startMailServer(t)
  const { open, queue, until } = setUp(t, own.env)
  const to = someMailbox()
  own.ail(to, ...Array.from({ length: 20 }, () => ({ at: 'rcpt', code: 451 }) as const))
  const job = await open({ message: codeFor(to), lifeMs: 3_000 })
  await queue(job)
  await until(job, 'expired_unsent')
  t.strictSame(own.to(to), [])
})

t.test('a decoy of mail is played, and no server hears of it', async (t) => {
  const own = await startMailServer(t)
  const { open, queue, until } = setUp(t, own.env)
  const job = await open({ message: { kind: 'decoy', channel: 'email' }, purpose: 'reset_password' })
  await queue(job)
  t.match(attemptsIn(await until(job, 'accepted')), [{ provider: 'decoy-smtp', outcome: 'accepted' }])
  t.strictSame(own.to('@'), [])
})

t.test('where no mail server is configured, mail waits in the mailbox of development', async (t) => {
  const { open, queue, until, redis, all } = setUp(t, {})
  const to = someMailbox()
  const job = await open({ message: codeFor(to), purpose: 'verify_email' })
  await queue(job)
  t.match(attemptsIn(await until(job, 'delivered')), [{ provider: 'mailbox' }])
  const sealer = createSealer(parseKeyRing(all['SEAL_KEYS'] ?? ''))
  const boxes = await redis.lrange(mailboxKey, 0, -1)
  const mine = boxes.flatMap((box) => {
    try {
      return [JSON.parse(sealer.open(box, mailboxContext)) as { to: string; subject: string; body: string }]
    } catch {
      return [] // of another test's keys
    }
  })
  t.match(
    mine.filter((mail) => mail.to === to),
    [{ subject: 'Confirm your address at Latchkey', body: /483921/ }],
  )
})

t.test('a server that does not let us in is left alone until an operator acts', async (t) => {
  const own = await startMailServer(t, { login: { user: 'acme', pass: 'p@ss:word' } })
  const right = setUp(t, own.env)
  const to = someMailbox()
  const job = await right.open({ message: codeFor(to) })
  await right.queue(job)
  await right.until(job, 'accepted')
  const wrong = setUp(t, { ...own.env, SMTP_URL: `smtp://acme:no@127.0.0.1:${own.port}` })
  const other = await wrong.open({ message: codeFor(to) })
  await wrong.queue(other)
  t.match((await wrong.until(other, 'failed')).at(-1), { reason: 'misconfigured' })
  t.equal(own.to(to).length, 1)
})

const from = { name: 'Acme', address: 'codes@acme.example' as MailServer['from']['address'] }
const messageTo = (to: string) =>
  ({
    id: 'm',
    to: to as MailServer['from']['address'],
    body: 'x',
    letter: { subject: 's', html: 'x' },
    lifeMs: 2_000,
  }) as const

t.test('a server that says nothing, or is not there, has taken nothing', async (t) => {
  const silent = createServer()
  const port = await new Promise<number>((resolve) => {
    silent.listen(0, '127.0.0.1', () => resolve((silent.address() as { port: number }).port))
  })
  t.teardown(() => silent.close())
  const server = { host: '127.0.0.1', secure: false, startTls: false, from }
  const mute = createSmtp({ ...server, port }, { timeoutMs: 300 })
  t.match(await mute.send(messageTo('a@example.com')), { outcome: 'not_sent', carrierCode: 'ETIMEDOUT' })
  silent.close()
  const away = createSmtp({ ...server, port: 9 }, { timeoutMs: 2_000 })
  t.match(await away.send(messageTo('a@example.com')), { outcome: 'not_sent' })
})

/** A provider with a server of its own. */
async function line(t: Test, idleMs?: number) {
  const own = await startMailServer(t)
  const server = { host: '127.0.0.1', port: own.port, secure: false, startTls: false, from }
  const smtp = createSmtp(server, { timeoutMs: 5_000, ...(idleMs !== undefined && { idleMs }) })
  t.teardown(() => smtp.close())
  const send = (to: string) => smtp.send({ ...messageTo(to), lifeMs: 5_000 })
  const bring = async (to: string = someMailbox()) => t.match(await send(to), { outcome: 'accepted' })
  const gone = () => eventually('the end of the connection', async () => own.open() === 0)
  return { own, smtp, send, bring, gone }
}

t.test('mail after mail goes over one connection, and as many go at once as are to', async (t) => {
  const { own, bring } = await line(t)
  for (let n = 0; n < 4; n++) await bring()
  t.equal(own.connections(), 1)
  await Promise.all([bring(), bring(), bring()])
  t.equal(own.connections(), 3)
})

t.test(
  'a server that ended an idle connection is asked by a new one: nobody waits, and nothing is brought twice',
  async (t) => {
    const { own, send, bring, gone } = await line(t)
    await bring()
    for (const word of ['421 4.4.2 idle for too long\r\n', '']) {
      own.hangUp(word)
      await gone()
      await bring()
    }
    t.equal(own.connections(), 3)
    // It ends it as the next mail is on its way.
    const meanwhile = someMailbox()
    own.ail(meanwhile, { at: 'rcpt', drops: true })
    await bring(meanwhile)
    const closing = someMailbox()
    own.ail(closing, { at: 'rcpt', code: 421 })
    await bring(closing)
    t.equal(own.connections(), 5)
    t.same([own.to(meanwhile).length, own.to(closing).length], [1, 1])
    const taken = someMailbox()
    own.ail(taken, { at: 'content', drops: true })
    t.match(await send(taken), { outcome: 'unknown' }, 'once it asked for the content nothing is tried again')
    t.equal(own.to(taken).length, 1)
  },
)

t.test('a connection that waited in vain is ended, and every one when the worker stops', async (t) => {
  const brief = await line(t, 50)
  await brief.bring()
  await brief.gone()
  const long = await line(t)
  await Promise.all([long.bring(), long.bring()])
  t.equal(long.own.open(), 2)
  long.smtp.close()
  await long.gone()
})

t.test('where TLS is wanted nothing is said in the clear', async (t) => {
  const strict = createSmtp(
    { host: '127.0.0.1', port: server.port, secure: false, startTls: true, from },
    { timeoutMs: 2_000 },
  )
  const to = someMailbox()
  t.match(await strict.send(messageTo(to)), { outcome: 'not_sent' })
  t.strictSame(server.to(to), [])
})

const kinds: readonly Exclude<ChallengeMessage, { kind: 'decoy' }>[] = [
  codeFor('asha@example.com', '123456') as Extract<ChallengeMessage, { kind: 'code' }>,
  { kind: 'account_exists', to: someMailbox() },
  { kind: 'phone_changed', to: someMailbox(), undoToken: 'w'.repeat(28) },
  { kind: 'email_changed', to: someMailbox(), undoToken: 'w'.repeat(28) },
]

t.test('every letter of every language has all that it is for, once, and no line end in its subject', async (t) => {
  const write = createWriteLetter({ brand: 'A & <B>', languages: ['en', 'es', 'hi', 'ar', 'fr', 'pt'] })
  const subjects = new Set<string>()
  for (const locale of ['en', 'es', 'hi', 'ar', 'fr', 'pt'])
    for (const message of kinds)
      for (const purpose of purposes) {
        const { body, letter } = write(message, purpose, locale)
        const what = `${locale} ${message.kind} ${purpose}`
        subjects.add(letter.subject)
        t.notMatch(letter.subject, /[\r\n{}]|123456|www/, what)
        t.notMatch(`${body}${letter.html}`, /[{}]/, what)
        t.notMatch(letter.html, '<B>', what)
        t.match(letter.html, `lang="${locale}"`, what)
        const secret =
          message.kind === 'code' ? '123456' : message.kind === 'account_exists' ? undefined : 'w'.repeat(28)
        if (secret !== undefined) for (const text of [body, letter.html]) t.equal(text.split(secret).length, 2, what)
      }
  t.ok(subjects.size > 20, 'languages differ')
  t.equal(write(kinds[0] ?? codeNever, 'sign_up', 'tlh').letter.subject, 'Your A & <B> code')
})

t.test('where the pages can be reached a notice by mail links to its undo, in every language', async (t) => {
  const languages = ['en', 'es', 'hi', 'ar', 'fr', 'pt'] as const
  const write = createWriteLetter({ brand: 'Acme', pagesUrl: 'https://id.acme.example', languages })
  const link = `https://id.acme.example/undo#${'w'.repeat(28)}`
  for (const locale of languages)
    for (const message of kinds.filter(({ kind }) => /changed/.test(kind))) {
      const { body, letter } = write(message, 'change_phone', locale)
      t.ok(body.split('\n').includes(link), `${locale}: alone in its line`)
      t.equal(letter.html.split(`<a href="${link}">${link}</a>`).length, 2, locale)
    }
})
const codeNever = { kind: 'account_exists', to: someMailbox() } as const
