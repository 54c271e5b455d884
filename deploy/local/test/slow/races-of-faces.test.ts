import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import type { Answer } from '../journey/journey.js'
import type { Face } from '../dialects/faces/face.js'
import { faces } from '../dialects/faces/faces.js'
import { usersApi } from '../dialects/faces/users-api.js'
import { begin, notTheCode } from '../dialects/scene.js'
import { type Client, randomPerson, type World, world } from '../dialects/world.js'

const atOnce = (count: number, call: () => Promise<Answer>) => Promise.all(Array.from({ length: count }, call))
const like = (answers: readonly Answer[], { status }: { status: number }) =>
  answers.filter((answer) => answer.status === status)
const tally = (answers: readonly Answer[]) => JSON.stringify(answers.map(({ status }) => status).sort())

/** A gateway that has just shed load is given the time to be done with it. */
const calm = (by: Client) =>
  eventually('no load', async () => {
    const { status } = await by.call('POST', '/v1/login', { identifier: 'nobody.at.all', password: 'nothing' })
    return status === 401
  })

async function wrongAnswers(t: Test, face: Face, here: World): Promise<void> {
  const [by, who] = [here.client(), randomPerson()]
  await begin({ face }, by, who)
  const right = await here.code(who.phone)
  const answers = await atOnce(200, () => face.verify(by, who, notTheCode(right)))
  const left = answers.flatMap(({ body }) => body.attemptsLeft ?? body.attempts_left ?? body.data?.attempts_left ?? [])
  if (face.name === 'careops')
    for (const n of [0, 1, 2]) {
      const { detail } = face.wrong(n).body as { detail: RegExp }
      t.equal(answers.filter(({ body }) => detail.test(body.detail)).length, 1, `${n} left is told once`)
    }
  else t.same(left.filter((n: number) => n > 0).sort(), [1, 2], tally(answers))
  await calm(by)
  t.match(await face.verify(by, who, right), face.exhausted)
}

async function rightAnswers(t: Test, face: Face, here: World): Promise<void> {
  const [by, who] = [here.client(), randomPerson()]
  await begin({ face }, by, who)
  const right = await here.code(who.phone)
  const answers = await atOnce(200, () => face.verify(by, who, right))
  t.ok(like(answers, face.verified).length <= 1, tally(answers))
  // Two hundred hashes are more than a machine answers in time; whatever was shed has used up nothing.
  await eventually('the account', async () => {
    const rows = await here.rowsOf(who.email)
    return (rows.length === 1 && rows[0]?.['active'] === true) || ((await face.verify(by, who, right)) && false)
  })
  t.ok(answers.every((answer) => answer.status !== 500 && (answer.status < 300 || face.isShaped(answer))))
  t.match(await here.rowsOf(who.email), [{ phone: who.phone, active: true }])
  await calm(by)
}

async function resends(t: Test, face: Face, here: World): Promise<void> {
  if (face.resends === null) return
  const [by, who] = [here.client(), randomPerson()]
  await begin({ face }, by, who)
  await here.code(who.phone)
  await here.later(face.cooldownSeconds + 1)
  const answers = await atOnce(50, () => face.send(by, who))
  // Whoever looks while the first is on its way to the queue finds no job there, and adds the same one.
  t.ok(like(answers, face.sent).length >= 1, tally(answers))
  await here.code(who.phone, 2)
  t.equal((await here.inbox(who.phone)).length, 2)
}

/** Whichever comes first: the answer was right, or the newest code is; what is sent for a proved phone proves nothing more. */
async function resendAndAnswer(t: Test, face: Face, here: World): Promise<void> {
  if (face.resends === null) return
  const people = Array.from({ length: 4 }, () => ({ by: here.client(), who: randomPerson() }))
  const codes: string[] = []
  for (const { by, who } of people) {
    await begin({ face }, by, who)
    codes.push(await here.code(who.phone))
  }
  await here.later(face.cooldownSeconds + 1)
  for (const [n, { by, who }] of people.entries()) {
    const ask = [() => face.verify(by, who, codes[n]), () => face.send(by, who)]
    const answers = await Promise.all((n % 2 === 0 ? ask : ask.reverse()).map((call) => call()))
    const [verified, sent] = n % 2 === 0 ? answers : answers.reverse()
    t.ok(verified?.status === 200 || verified?.status === 400, `the answer: ${verified?.status}`)
    t.ok(sent !== undefined && (sent.status === 200 || face.isShaped(sent)), `the resend: ${sent?.status}`)
    if (verified?.status !== 200)
      t.match(await face.verify(by, who, await here.code(who.phone, 2)), face.verified, 'the new code')
    t.match(await here.rowsOf(who.email), [{ phone: who.phone, active: true }])
  }
}

async function refreshes(t: Test, here: World): Promise<void> {
  const [by, who] = [here.client(), randomPerson()]
  const { refresh } = (await usersApi.register(by, who)).body.tokens
  const call = (by: Client, refresh: string) => by.call('POST', '/users-api/api/users/token/refresh/', { refresh })
  const answers = await atOnce(100, () => call(by, refresh))
  t.equal(like(answers, { status: 200 }).length, 100, tally(answers))
  t.equal(new Set(answers.map(({ body }) => body.refresh)).size, 1, 'with one successor')
  t.match(await call(by, answers[0]?.body.refresh), { status: 200 })
  t.match(await call(by, refresh), { status: 401 })
}

t.test('races in every face', async (t) => {
  const here = await world(t, { EXEMPT_CLIENTS: '0.0.0.0/0,::/0', LOG_LEVEL: 'warn' })
  // The first calls of a gateway find no open connections.
  await calm(here.client())
  for (const face of faces) {
    await t.test(
      `${face.name}: two hundred wrong answers at once: three are compared, and 2, 1, 0 are told once each`,
      (t) => wrongAnswers(t, face, here),
    )
    await t.test(`${face.name}: two hundred right answers at once: one account`, (t) => rightAnswers(t, face, here))
    await t.test(`${face.name}: fifty resends at once: one more SMS goes out`, (t) => resends(t, face, here))
    await t.test(
      `${face.name}: a resend beside a right answer: the account comes into being, by one code or the other`,
      (t) => resendAndAnswer(t, face, here),
    )
  }
  await t.test('users-api: a hundred refreshes at once: all succeed, with one successor', (t) => refreshes(t, here))
})
