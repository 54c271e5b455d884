import t, { type Test } from 'tap'
import { entrances } from '../dialects/entrances.js'
import { accountIn, everywhere, logIns, onV1, tryEverything } from '../dialects/everywhere.js'
import { careops } from '../dialects/faces/careops.js'
import { type Client, type Person, randomPerson, type World, world } from '../dialects/world.js'

// Somebody is there before the owner, with the phone or the e-mail of the owner: at whichever face, and whichever the owner
// comes to. That both come to the same documented API with one phone is played in squatting.test.ts.

type Entrance = (typeof entrances)[number]

/** Longer than any cooldown after a first send. */
const cooldownSeconds = 61

/** Everything that logs in with this password, as somebody who has another program and comes from elsewhere. */
async function opened(
  here: World,
  who: Parameters<typeof tryEverything>[1],
): Promise<{ at: string; account: string }[]> {
  const tries = await tryEverything(here.client(), who)
  return tries
    .filter(({ answer }) => answer.status !== 401)
    .map(({ at, answer }) => ({ at, account: answer.status === 200 ? accountIn(answer) : `${answer.status}` }))
}

async function ownerOf(by: Client, who: Person): Promise<{ id: string; phone: string; email: string | null }> {
  const { body } = await logIns.v1(by, who)
  return body.user
}

async function squattedPhone(t: Test, here: World, squatted: Entrance, owned: Entrance): Promise<void> {
  const owner = randomPerson()
  const attacker = { ...randomPerson(), phone: owner.phone }
  const theirs = await squatted.begin(here.client(), attacker)
  const sentToOwner = await here.code(owner.phone)
  await here.later(cooldownSeconds)
  const by = here.client()
  const mine = await owned.begin(by, owner)
  const right = await here.code(owner.phone, 2)
  const proved = await mine.prove(right)
  t.ok(proved.status < 300, `${proved.status}: ${JSON.stringify(proved.body)}`)

  const { id, ...rest } = await ownerOf(by, owner)
  t.match(rest, { phone: owner.phone, email: owner.email })
  for (const token of Object.values(await everywhere(t, by, owner))) t.ok(token)
  const refused = await theirs.opens()
  if (refused !== undefined) t.equal(refused.status, 401, 'his token opens nothing')
  if (theirs.refresh !== undefined) {
    const refresh = await by.call('POST', '/users-api/api/users/token/refresh/', { refresh: theirs.refresh })
    t.equal(refresh.status, 401, 'and is not renewed')
  }
  // Even if he had read them over a shoulder.
  for (const code of [sentToOwner, right])
    t.ok((await theirs.prove(code)).status >= 400, 'no code proves anything to him')
  const entered = await opened(here, attacker)
  // An account at careops goes on without the phone that was not its.
  t.ok(squatted.name === 'careops' || entered.length === 0, JSON.stringify(entered))
  t.notOk(
    entered.some(({ account }) => account === id),
    'his password opens nothing of hers',
  )
  t.match(await ownerOf(by, owner), { id, phone: owner.phone, email: owner.email })
  t.equal((await here.query('select id from users where $1 in (phone, claimed_phone)', owner.phone)).length, 1)
}

async function squattedEmail(t: Test, here: World, squatted: Entrance, owned: Entrance): Promise<void> {
  const owner = randomPerson()
  const attacker = { ...randomPerson(), email: owner.email, username: owner.username }
  const theirs = await squatted.begin(here.client(), attacker)
  const code = await here.code(attacker.phone)
  const by = here.client()
  const mine = await owned.begin(by, owner)
  const proved = await mine.prove(await here.code(owner.phone))
  t.ok(proved.status < 300, `${proved.status}: ${JSON.stringify(proved.body)}`)
  const { id, ...rest } = await ownerOf(by, owner)
  t.match(rest, { phone: owner.phone, email: owner.email }, 'a proof wins over a claim')

  await theirs.prove(code)
  const late = await logIns.v1(here.client(), attacker)
  if (squatted.name !== 'rently')
    t.match(late, { status: 200, body: { user: { email: null } } }, 'his own has no e-mail')
  else t.equal(late.status, 401, 'where all is wanted or nothing, nothing')
  const named = hasNames(squatted) && hasNames(owned)
  const hers = { phone: owner.phone, email: owner.email, ...(named && { username: owner.username }) }
  t.same(await opened(here, { ...hers, password: attacker.password }), [], 'no name of hers leads him anywhere')
  const entered = await opened(here, { ...hers, password: owner.password })
  for (const { at, account } of entered) t.equal(account, id, at)
  t.equal(entered.length, named ? 11 : 8)
}

const hasNames = ({ name }: Entrance): boolean => name === 'v1' || name === 'staged'

/** What is had of an e-mail that somebody brought to an account of his own first, since no documented API proves one. */
async function tookTheEmailFirst(t: Test, here: World, take: (attacker: Person) => Promise<void>): Promise<void> {
  const owner = randomPerson()
  const attacker = { ...randomPerson(), email: owner.email }
  await take(attacker)
  const by = here.client()
  await onV1(here, by, owner)
  const { id, ...rest } = await ownerOf(by, owner)
  t.match(rest, { phone: owner.phone, email: null })
  const theirs = (await logIns.careops(here.client(), attacker)).body
  t.match(theirs, { access_token: String })
  t.notOk(
    (await opened(here, { ...attacker, phone: owner.phone })).some(({ account }) => account === id),
    'his password opens his own',
  )
  t.same(await opened(here, { phone: owner.phone, email: owner.email, password: 'not hers' }), [])
  for (const { at, account } of await opened(here, owner)) t.equal(account, id, at)

  const messages = async () => (await here.inbox(owner.phone)).length
  const before = await messages()
  await by.call('POST', '/v1/password/forgot', { identifier: owner.email })
  await by.call('POST', '/rently/api/auth/forgot-password-initiate', { email: owner.email, phone: owner.phone })
  await by.call('POST', '/v1/login/code', { phone: owner.phone })
  await here.code(owner.phone, before + 1)
  t.equal(await messages(), before + 1, 'a reset for that e-mail is none of hers')
}

t.test('pre-hijacking', async (t) => {
  const here = await world(t, { CONFLICTS_PER_HOUR: '100' })

  for (const squatted of entrances)
    for (const owned of entrances)
      if (squatted !== owned || owned.name === 'v1')
        await t.test(
          `a phone that somebody squatted at ${squatted.name} is its owner’s, who proves it at ${owned.name}`,
          (t) => squattedPhone(t, here, squatted, owned),
        )

  for (const [at, squatted] of entrances.entries())
    for (const owned of [squatted, entrances[(at + 1) % entrances.length] as Entrance])
      await t.test(
        `an e-mail that somebody only claimed at ${squatted.name} is that of who proves an account with it at ${owned.name}`,
        (t) => squattedEmail(t, here, squatted, owned),
      )

  for (const { name, begin } of entrances)
    await t.test(`who took an e-mail to his own account at ${name} first gets nothing of its owner’s`, (t) =>
      tookTheEmailFirst(t, here, async (attacker) => {
        await (await begin(here.client(), attacker)).prove(await here.code(attacker.phone))
      }),
    )
  await t.test('nor does who took it to an account without a phone', (t) =>
    tookTheEmailFirst(t, here, async (attacker) => {
      t.match(await careops.register(here.client(), attacker, { phone_number: undefined }), { status: 201 })
    }),
  )
})
