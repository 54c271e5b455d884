import t, { type Test } from 'tap'
import type { Answer } from '../journey/journey.js'
import { changes, doors, everywhere, isShut, logIns, onV1, tryEverything } from '../dialects/everywhere.js'
import type { Face } from '../dialects/faces/face.js'
import { faces } from '../dialects/faces/faces.js'
import { begin } from '../dialects/scene.js'
import { type Client, type Person, randomPerson, type World, world } from '../dialects/world.js'

// What was there before the owner of an account changed or reset its password is over after it, on every face.

// Numbers without cooldowns: were the clock of challenges moved, they would be younger than whatever users writes.
const phones = Array.from({ length: 60 }, () => randomPerson().phone)
const somebody = (): Person => ({ ...randomPerson(), phone: phones.pop() as string })

interface Story {
  readonly here: World
  readonly by: Client
  readonly who: Person
  readonly token: string
}
type Post = (path: string, body: object, token?: string) => Promise<Answer>

/** What somebody inside begins, and how it ends: as `done` where nobody stops him, as `dead` after a change of password. */
interface Begins {
  begin(story: Story, post: Post, code: (phone?: string) => Promise<string>): Promise<() => Promise<Answer>>
  readonly done: number
  readonly dead: object
}

const gone = { status: 410, body: { code: 'challenge.gone' } }
const answer = (post: Post, started: Answer, code: string) => () =>
  post(`/v1/challenges/${started.body.challenge.id}/answer`, { code })

const beginnings: Readonly<Record<string, Begins>> = {
  'a change of phone': {
    async begin({ token }, post, code) {
      const { phone } = randomPerson()
      const started = await post('/v1/me/phone', { phone }, token)
      return answer(post, started, await code(phone))
    },
    done: 200,
    dead: gone,
  },
  'a log-in by code': {
    async begin({ who: { phone } }, post, code) {
      const started = await post('/v1/login/code', { phone })
      return answer(post, started, await code())
    },
    done: 200,
    dead: gone,
  },
  'a reset whose code waits': {
    async begin({ who: { email } }, post, code) {
      const started = await post('/v1/password/forgot', { identifier: email })
      return answer(post, started, await code())
    },
    done: 200,
    dead: gone,
  },
  'a reset whose token waits': {
    async begin({ who: { phone } }, post, code) {
      const started = await post('/v1/password/forgot', { identifier: phone })
      const { resetToken } = (await answer(post, started, await code())()).body
      return () => post('/v1/password/reset', { resetToken, newPassword: 'plum trombone harbour' })
    },
    done: 204,
    dead: { status: 410, body: { code: 'reset.gone' } },
  },
  'a reset at rently whose code waits': {
    async begin({ who: { email, phone } }, post, code) {
      await post('/rently/api/auth/forgot-password-initiate', { email, phone })
      const otp = await code()
      return () => post('/rently/api/auth/forgot-password-verify-otp', { email, otp })
    },
    done: 200,
    dead: { status: 400 },
  },
  'a reset at rently whose token waits': {
    async begin({ who: { email, phone } }, post, code) {
      await post('/rently/api/auth/forgot-password-initiate', { email, phone })
      const { body } = await post('/rently/api/auth/forgot-password-verify-otp', { email, otp: await code() })
      const reset = { email, resetToken: body.resetToken, newPassword: 'plum trombone harbour' }
      return () => post('/rently/api/auth/reset-password', reset)
    },
    done: 200,
    dead: { status: 400 },
  },
  'a log-in code of jodimilan': {
    async begin({ who: { phone } }, post, code) {
      const national = { phone: phone.slice(3), dialing_code: '91' }
      await post('/jodimilan/api/auth/resend/otp', national)
      const otp = await code()
      return () => post('/jodimilan/api/auth/otp/login', { ...national, otp })
    },
    done: 200,
    dead: { status: 400 },
  },
}

/** An account with sessions everywhere; somebody who got into one of them has begun something. */
async function begun(t: Test, here: World, { begin }: Begins) {
  const [by, who] = [here.client(), somebody()]
  await onV1(here, by, who)
  const tokens = await everywhere(t, by, who)
  const { accessToken: token } = (await logIns.v1(here.client(), who)).body.session
  const thief = here.client()
  const post: Post = (path, body, bearer) => thief.call('POST', path, body, { token: bearer })
  const code = (phone?: string) => (phone === undefined ? here.code(who.phone, 2) : here.code(phone))
  return { by, who, tokens, finish: await begin({ here, by, who, token }, post, code) }
}

t.test('what is older than a change or reset of the password', async (t) => {
  const here = await world(t, { TEST_NUMBERS: phones.join() })
  for (const [what, beginning] of Object.entries(beginnings)) {
    await t.test(`${what} is done where nothing comes between: the control`, async (t) => {
      const { finish } = await begun(t, here, beginning)
      t.match(await finish(), { status: beginning.done })
    })
    for (const [change, apply] of Object.entries(changes))
      await t.test(`${what} that was begun before ${change} is over after it`, async (t) => {
        const { by, who, tokens, finish } = await begun(t, here, beginning)
        const next = `next-${who.password}`
        await apply(t, here, by, who, tokens, next)
        t.match(await finish(), beginning.dead)
        t.match(await logIns.v1(by, { ...who, password: next }), { status: 200, body: { user: { phone: who.phone } } })
        t.match(await logIns.v1(by, who), { status: 401 })
      })
  }

  // He typed the code that somebody else had sent to his phone: the account is that of the other, until he resets it.
  for (const face of faces.filter(({ name }) => name !== 'rently'))
    for (const reset of ['/v1/password/reset', 'rently reset-password'] as const)
      await t.test(
        `${face.name}: whose registration was proved by the owner’s mistake has nothing left after ${reset}`,
        (t) => mistaken(t, here, face, reset),
      )
})

async function mistaken(t: Test, here: World, face: Face, reset: keyof typeof changes): Promise<void> {
  const [his, owner] = [here.client(), here.client()]
  const attacker = somebody()
  const { phone } = attacker
  const registered = await begin({ face }, his, attacker)
  t.match(await face.verify(owner, attacker, await here.code(phone)), face.verified)
  const token = face.tokenIn(registered)
  if (face.name === 'staged')
    await his.call('POST', '/staged/api/auth/change-password', { newPassword: attacker.password }, { token })
  const tokens = { ...(await everywhere(t, his, attacker)), ...(token !== undefined && { [face.name]: token }) }
  const { session } = (await logIns.v1(his, attacker)).body
  const elsewhere = randomPerson().phone
  const moving = await his.call('POST', '/v1/me/phone', { phone: elsewhere }, { token: session.accessToken })
  const code = await here.code(elsewhere)
  for (const [name, door] of Object.entries(doors))
    if (tokens[name] !== undefined) t.notOk(isShut(await door(his, tokens[name])), `${name}: the control`)

  const password = `now-${attacker.password}`
  await changes[reset]?.(t, here, owner, attacker, {}, password)
  for (const [name, door] of Object.entries(doors))
    if (tokens[name] !== undefined) t.ok(isShut(await door(his, tokens[name])), `${name}: his token`)
  const refresh = (path: string, body: object) => his.call('POST', path, body)
  t.match(await refresh('/v1/token/refresh', { refreshToken: session.refreshToken }), { status: 401 })
  const { tokens: given } = registered.body
  if (given !== undefined)
    t.match(await refresh('/users-api/api/users/token/refresh/', { refresh: given.refresh }), { status: 401 })
  t.match(await his.call('POST', `/v1/challenges/${moving.body.challenge.id}/answer`, { code }), gone)
  for (const { at, answer } of await tryEverything(his, attacker)) t.equal(answer.status, 401, at)
  t.match(await logIns.v1(owner, { ...attacker, password }), { status: 200, body: { user: { phone } } })
}
