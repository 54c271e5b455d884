import t, { type Test } from 'tap'
import {
  accountIn,
  changes,
  claimsOf,
  doors,
  everywhere,
  isShut,
  logIns,
  onV1,
  open,
  tokenOf,
  tryEverything,
} from '../dialects/everywhere.js'
import type { Face } from '../dialects/faces/face.js'
import { faces } from '../dialects/faces/faces.js'
import { staged } from '../dialects/faces/staged.js'
import { usersApi } from '../dialects/faces/users-api.js'
import { settle } from '../dialects/scene.js'
import { type Person, randomPerson, type World, world } from '../dialects/world.js'

// One account, whichever face it was made in, and sessions that each open one face only.

t.test('one person everywhere', async (t) => {
  const here = await world(t)

  for (const face of faces)
    await t.test(
      `who signed up at ${face.name} logs in at all others and on /v1, and is the same account by every id`,
      (t) => sameAccount(t, here, face),
    )
  await t.test('who signed up on /v1 logs in at every face', async (t) => {
    const [by, who] = [here.client(), randomPerson()]
    await onV1(here, by, who)
    await everywhere(t, by, who)
  })

  await t.test('a token opens its own face and no other', async (t) => {
    const by = here.client()
    const { who, token } = await settle({ ...here, face: usersApi }, by)
    const tokens = { ...(await everywhere(t, by, who)), 'users-api': String(token) }
    for (const [from, token] of Object.entries(tokens)) {
      t.equal(claimsOf(token).aud, from)
      for (const [to, door] of Object.entries(doors)) {
        const answer = await door(by, token)
        t.equal(isShut(answer), from !== to, `${from}'s at ${to}: ${answer.status}`)
      }
    }
  })

  await t.test('whatever others call themselves, a log-in reaches its rightful owner', (t) => lookAlikes(t, here))

  for (const [what, change] of Object.entries(changes))
    await t.test(`${what} ends the sessions of every face`, async (t) => {
      const [by, who] = [here.client(), randomPerson()]
      await onV1(here, by, who)
      const tokens = await everywhere(t, by, who)
      t.same(await open(by, tokens), ['staged', 'careops', 'v1'])
      const next = `next-${who.password}`
      const kept = await change(t, here, by, who, tokens, next)
      t.same(await open(by, tokens), kept)
      for (const [name, logIn] of Object.entries(logIns))
        t.match(await logIn(by, who), { status: 401 }, `${name}: the old password`)
      await everywhere(t, by, { ...who, password: next })
    })
})

async function sameAccount(t: Test, here: World, face: Face): Promise<void> {
  const by = here.client()
  const { who } = await settle({ ...here, face }, by)
  const { body } = await logIns.v1(by, who)
  const { id, number } = body.user as { id: string; number: number }
  t.match(body.user, { phone: who.phone, phoneVerified: true, email: who.email })
  // The time of the UUIDv7 in seconds, and its last 16 digits.
  const hex = id.replaceAll('-', '')
  const objectId =
    Math.floor(Number.parseInt(hex.slice(0, 12), 16) / 1_000)
      .toString(16)
      .padStart(8, '0') + hex.slice(16)
  t.match(await logIns.staged(by, who), { status: 200, body: { user: { id: number, phoneNumber: who.phone } } })
  t.match(await logIns.careops(by, who), { status: 200, body: { user: { id: number, is_phone_verified: true } } })
  t.match(await logIns.jodimilan(by, who), { status: 200, body: { data: { user_id: number } } })
  t.match(await logIns.rently(by, who), { status: 200, body: { user: { id: objectId, email: who.email } } })
  for (const ryt of [`RYT${number}`, `ryt${number}`])
    t.match(
      await by.call('POST', '/jodimilan/api/auth/login', { email: ryt, password: who.password }),
      { status: 200, body: { data: { user_id: number } } },
      ryt,
    )
  for (const token of Object.values(await everywhere(t, by, who))) t.equal(claimsOf(token).sub, id)
}

/** What somebody might call himself to be taken for another: by people, by a log-in, or by what reads its letters. */
const namesLike = ({ phone, email, username }: Person, number: number): string[] => [
  phone,
  phone.slice(1),
  phone.slice(3),
  phone.replace('+', '00'),
  email,
  `${username}@`,
  `@${username}`,
  ...[number, '0001', `00${number}`, arabicIndic(number)].flatMap((digits) => [`ryt${digits}`, `RYT${digits}`]),
  `\uff52\uff59\uff54${number}`,
  `r\u0443t${number}`,
  ` ${username}`,
  `${username}\u00a0`,
  username.replace('k', '\u043a'),
  username.replace('k', 'k\u200b'),
  username.replace('k', '\uff4b'),
  `${username}\u0301`,
  `\u0130${username}`,
]
const arabicIndic = (number: number) => String(number).replace(/\d/g, (digit) => String.fromCharCode(0x660 + +digit))

async function lookAlikes(t: Test, here: World): Promise<void> {
  const [by, owner] = [here.client(), { ...randomPerson(), username: `k${randomPerson().username}` }]
  await onV1(here, by, owner)
  const { id, number } = (await logIns.v1(by, owner)).body.user as { id: string; number: number }
  const thief = here.client()
  const attacker = randomPerson()
  await onV1(here, thief, attacker)
  const token = tokenOf(await logIns.v1(thief, attacker))
  const refused = { status: 400, body: { code: 'request.invalid', errors: [{ path: '/username' }] } }
  for (const username of namesLike(owner, number)) {
    const other = { ...randomPerson(), username }
    t.match(await thief.call('PATCH', '/v1/me', { username }, { token }), refused, username)
    t.match(await here.client().call('POST', '/v1/signup', other), refused, username)
    t.match(await staged.register(here.client(), other), staged.invalid('email'), username)
    t.same(await here.rowsOf(other.email), [])
  }
  // A sign that is the letter k, in lower case.
  const same = owner.username.replace('k', '\u212a')
  t.match(await thief.call('PATCH', '/v1/me', { username: same }, { token }), refused, 'which is his own')
  t.match(await staged.register(here.client(), { ...randomPerson(), username: same }), staged.conflict)
  // Elsewhere people have names that nobody logs in by.
  for (const face of faces.filter(({ name }) => name !== 'staged'))
    for (const username of [owner.phone, owner.email, owner.username, `RYT${number}`])
      t.match(
        await face.register(here.client(), { ...randomPerson(), username, password: attacker.password }),
        face.registered,
      )

  const spelled = [
    ...(await tryEverything(by, owner)),
    ...(await tryEverything(by, { ...owner, email: ` ${owner.email.toUpperCase()} `, username: same })),
    ...(await tryEverything(by, { ...owner, phone: owner.phone.replace('+91', '0091 ') })),
  ]
  for (const { at, answer } of spelled) t.equal(answer.status === 200 && accountIn(answer), id, at)
  for (const ryt of [`RYT${number}`, ` ryt${number} `]) {
    const logIn = (password: string) => by.call('POST', '/jodimilan/api/auth/login', { email: ryt, password })
    t.equal(accountIn(await logIn(owner.password)), id, ryt)
    t.match(await logIn(attacker.password), { status: 401 })
  }
  const tries = await tryEverything(thief, { ...owner, password: attacker.password })
  for (const { at, answer } of tries) t.equal(answer.status, 401, at)
}
