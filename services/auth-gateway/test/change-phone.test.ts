import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ErrorCode, errors, errorType } from '@latchkey/contracts/errors'
import { AppError } from '@latchkey/kit/app-error'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { createAnswerChallenge } from '../src/flows/answer-challenge.js'
import { createPrepareNotice } from '../src/flows/change-notice.js'
import { createChangePhone } from '../src/flows/change-phone.js'
import { createGuessPassword } from '../src/flows/guess-password.js'
import { createIsKnown } from '../src/flows/known-devices.js'
import type { QueuedMessage } from '../src/flows/ports.js'
import type { ChallengePolicy } from '../src/flows/policy.js'
import { createStartChallenge } from '../src/flows/start-challenge.js'
import { createReadPhone } from '../src/phones/canonical-phone.js'
import { createUsersClient } from '../src/users-client.js'
import { challengeHarness, policy, randomPhone, second } from './challenge-harness.js'

const sessionId = '01930000-0000-7000-8000-000000000000'
const caller = { requestId: 'test', face: 'v1', locale: 'fr', userId: sessionId, sessionId }
const shown = { freshWithinSeconds: 600 }

/** Stands where users does, for one account: what its phone is, and what refuses the change before anybody is told. */
async function change(t: Test, { refusal = undefined as ErrorCode | undefined } = {}) {
  const h = await challengeHarness(t)
  const [before, phone] = [randomPhone(), randomPhone()]
  const asked: string[] = []
  const server = createServer((request, reply) => {
    asked.push(request.url ?? '')
    const answers: Record<string, unknown> = {
      [`/internal/sessions/${sessionId}/phone-change`]: { phone: before, asOf: null },
    }
    request.resume().once('end', () => {
      const answer = answers[request.url ?? '']
      const checked = request.url === '/internal/phone-changes/check'
      if (checked && refusal === undefined) return reply.writeHead(204).end()
      const code = (checked && refusal) || 'challenge.gone'
      const { status, title, detail } = errors[code]
      reply.statusCode = answer === undefined ? status : 200
      return reply.end(JSON.stringify(answer ?? { type: errorType(code), title, status, code, detail }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const log = pino({ level: 'silent' })
  const users = createUsersClient({ url, secret: 'test', timeoutMs: 1_500, log, metrics: new Registry() })
  t.teardown(async () => {
    await users.close()
    server.closeAllConnections()
    server.close()
  })
  const queued: QueuedMessage[] = []
  const queue = { away: false }
  const sms = {
    send: async (message: QueuedMessage) => {
      if (queue.away) throw new AppError('unavailable', { effect: 'unknown' })
      queued.push(message)
    },
    has: async () => true,
  }
  const challenges = h.store
  const startChallenge = createStartChallenge({ challenges, sms, newCode: () => h.code, nobodyBehind: (name) => name })
  const readPhone = createReadPhone({ countries: '*', testNumbers: new Map() })
  const guessPassword = createGuessPassword({ guesses: h.guesses })
  const refuseStopped = async () => undefined
  const start = createChangePhone({
    users,
    withinBudget: h.withinBudget,
    refuseStopped,
    startChallenge,
    prepareNotice: createPrepareNotice({ challenges, readPhone, canMail: false }),
    readPhone,
    guessPassword,
  })
  const isKnown = createIsKnown({ users })
  const answerChallenge = createAnswerChallenge({
    challenges,
    users,
    sms,
    guesses: h.guesses,
    smsBudget: h.smsBudget,
    isKnown,
    guessPassword,
  })
  const answer = (id: string) =>
    answerChallenge({ id, code: h.code }, caller).then(
      () => 'done',
      (error: unknown) => (error instanceof AppError ? error.code : String(error)),
    )
  return {
    ...h,
    before,
    phone,
    asked,
    queued,
    queue,
    start: (more: Partial<ChallengePolicy> = {}) => start({ phone, shown }, caller, { ...policy, ...more }),
    answer,
    changed: () => asked.includes('/internal/phone-changes'),
  }
}

t.test('a change whose old phone cannot be told is not made, and its code works again', async (t) => {
  const { start, answer, queue, queued, changed } = await change(t)
  const { id } = await start()
  queue.away = true
  t.equal(await answer(id), 'unavailable')
  t.notOk(changed())
  queue.away = false
  t.equal(await answer(id), 'challenge.gone', 'which is what users says here')
  t.ok(changed())
  t.equal(queued.length, 2, 'the code, then the notice')
})

t.test('however often an answer is tried again, the old phone is told by one message', async (t) => {
  const { start, answer, queued, store, code } = await change(t)
  const { id } = await start()
  const first = await store.answer(id, code, 'v1')
  if (first.verdict !== 'claimed') throw new Error(first.verdict)
  await store.release(first.claim)
  await answer(id)
  const [, notice] = queued
  const { undo } = first.claim.pending as { undo: { notice: { messageId: string } } }
  t.equal(notice?.messageId, undo.notice.messageId, 'whose id is known before it is queued')
})

t.test('the old phone can be told for an hour more than the code can live, resends included', async (t) => {
  const { start, answer, queued, clock } = await change(t)
  const { id } = await start({ codeLifeSeconds: 3_600, resends: 2 })
  await answer(id)
  const leftMs = (queued[1]?.expiresAt.getTime() ?? 0) - (Date.now() + clock.offsetMs)
  t.ok(leftMs > (3 * 3_600 + 3_590) * second, 'what was prepared at the start')
})

t.test(
  'where a change will not be made nobody is told, nothing is asked to change, and its code is used',
  async (t) => {
    for (const refusal of ['account.exists', 'challenge.gone'] as const) {
      const { start, answer, asked, queued, changed } = await change(t, { refusal })
      const { id } = await start()
      t.equal(await answer(id), refusal)
      t.notOk(changed(), 'or it would be made untold, should the number come free')
      t.equal(queued.length, 1, 'the code')
      const calls = asked.length
      t.equal(await answer(id), 'challenge.gone')
      t.equal(asked.length, calls, 'without a word to users')
    }
  },
)

t.test('who uses up the limits of a number keeps nobody from being told, in the language of the owner', async (t) => {
  const { start, answer, queued, before, open, clock, redis, keys } = await change(t)
  for (let n = 0; n < 6; n++) {
    await open({ phone: before, purpose: 'sign_in' })
    clock.offsetMs += 301 * second
  }
  await answer((await start()).id)
  const notice = queued[1]
  t.ok(notice)
  t.equal(await redis.hget(keys.challenge(notice?.challengeId ?? ''), 'locale'), '', 'not of whoever changes it')
})
