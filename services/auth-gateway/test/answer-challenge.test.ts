import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ErrorCode, errors, errorType } from '@latchkey/contracts/errors'
import { freePort } from '@latchkey/kit/testing'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { createAnswerChallenge } from '../src/flows/answer-challenge.js'
import { createGuessPassword } from '../src/flows/guess-password.js'
import { createIsKnown } from '../src/flows/known-devices.js'
import { createUsersClient } from '../src/users-client.js'
import { challengeHarness, randomPhone } from './challenge-harness.js'

const caller = { requestId: 'test', face: 'v1', locale: 'en' }

/** Something that listens where users should, and does with each request what it is told. */
async function usersThat(t: Test, answer: (reply: ServerResponse) => void): Promise<string> {
  const server = createServer((request, reply) => {
    request.resume().once('end', () => answer(reply))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const refuse = (code: ErrorCode) => (reply: ServerResponse) => {
  const { status, title, detail } = errors[code]
  reply.statusCode = status
  reply.end(JSON.stringify({ type: errorType(code), title, status, code, detail }))
}

/** A right answer while users is at this URL: how it ends, and what a second one meets. */
async function answerTwice(t: Test, url: string) {
  const { store, answer, id, code } = await answering(t, url)
  const error = await answer()
  return { error, second: (await store.answer(id, code, 'v1')).verdict }
}

/** A log-in by code whose users are at this URL; an answer tells what was thrown. */
async function answering(t: Test, url: string) {
  const { store, guesses, smsBudget, open, code } = await challengeHarness(t)
  const phone = randomPhone()
  const { id } = await open({ purpose: 'sign_in', phone })
  const log = pino({ level: 'silent' })
  const users = createUsersClient({ url, secret: 'test', timeoutMs: 300, log, metrics: new Registry() })
  t.teardown(() => users.close())
  const sms = { send: async () => undefined }
  const isKnown = createIsKnown({ users })
  const guessPassword = createGuessPassword({ guesses })
  const answerChallenge = createAnswerChallenge({
    challenges: store,
    users,
    sms,
    guesses,
    smsBudget,
    isKnown,
    guessPassword,
  })
  const answer = (more: { password?: string } = {}) =>
    answerChallenge({ id, code, ...more }, caller).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
  return { store, guesses, phone, id, code, answer }
}

t.test('a code whose effect nobody knows stays claimed', async (t) => {
  const mishaps: Record<string, (reply: ServerResponse) => void> = {
    'no answer': () => undefined,
    'a connection that breaks': (reply) => reply.destroy(),
    'an answer that breaks off': (reply) => reply.writeHead(200, { 'content-length': 99 }).end('{"user":'),
    'an answer outside the contract': (reply) => reply.end('{"user":{}}'),
    'no JSON': (reply) => reply.end('<html>'),
    'a database that did not answer in time': refuse('unavailable'),
    'a refusal nobody declared': refuse('not.found'),
  }
  for (const [name, mishap] of Object.entries(mishaps)) {
    const { error, second } = await answerTwice(t, await usersThat(t, mishap))
    t.match(error, { code: 'unavailable', effect: 'unknown' }, name)
    t.equal(second, 'held', `${name}: the lease runs out, then the fence tells`)
  }
})

t.test('a code that had no effect works again at once', async (t) => {
  const { error, second } = await answerTwice(t, `http://127.0.0.1:${await freePort()}`)
  t.match(error, { code: 'unavailable', effect: 'none' })
  t.equal(second, 'claimed')
})

t.test('a refusal that used the challenge ends it', async (t) => {
  for (const code of ['account.disabled', 'challenge.gone'] as const) {
    const { error, second } = await answerTwice(t, await usersThat(t, refuse(code)))
    t.match(error, { code })
    t.equal(second, 'gone')
  }
})

t.test(
  'a password beside a right code is counted before it is compared; past its budget it uses nothing up',
  async (t) => {
    let compared = 0
    const url = await usersThat(t, (reply) => {
      compared += 1
      refuse('credentials.wrong')(reply)
    })
    const { answer, guesses, phone, store, id, code } = await answering(t, url)
    const spend = () => guesses.password(`with_code:${phone}`, { known: false, network: undefined })
    for (let n = 0; n < 19; n++) await spend()
    t.match(await answer(), { code: 'challenge.wrong', members: { attemptsLeft: 4 } })
    t.equal(compared, 1, 'without a password nothing is guessed')
    t.match(
      await answer({ password: 'not it' }),
      { code: 'challenge.wrong', members: { attemptsLeft: 3 } },
      'the twentieth',
    )
    t.match(await answer({ password: 'nor this' }), { code: 'rate.limited', members: { retryAt: Date } })
    t.equal(compared, 2)
    t.match(await store.read(id), { attemptsLeft: 3 })
    t.equal((await store.answer(id, code, 'v1')).verdict, 'claimed', 'the code is as good as before')
  },
)

t.test('what was no wrong password beside a right code is not counted', async (t) => {
  const url = await usersThat(t, refuse('account.disabled'))
  const { answer, guesses, phone } = await answering(t, url)
  t.match(await answer({ password: 'whatever' }), { code: 'account.disabled' })
  const spend = () => guesses.password(`with_code:${phone}`, { known: false, network: undefined })
  const verdicts = []
  for (let n = 0; n < 21; n++) verdicts.push((await spend()).verdict)
  t.same(verdicts, [...Array.from({ length: 20 }, () => 'counted'), 'limited'])
})
