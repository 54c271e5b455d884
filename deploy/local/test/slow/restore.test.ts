import t from 'tap'
import { eventually } from '@latchkey/kit/testing'
import { password } from '../journey/journey.js'
import { backUpPostgres, backUpRedis } from './backup.js'
import { production, someoneSignedUp, someoneWithCode } from './production.js'

const gone = { status: 410, body: { code: 'challenge.gone' } }

t.test('a backup of running stores is restored: no code has its effect twice, people stay who they are', async (t) => {
  const on = await production(t)
  const { call, ledger } = on
  const refresh = (refreshToken: string) => call('POST', '/v1/token/refresh', { refreshToken })
  const answer = ({ answerPath, code }: { answerPath: string; code: string }) => call('POST', answerPath, { code })
  const owner = await someoneSignedUp(on)
  const [before, between, after, unused] = await Promise.all(Array.from({ length: 4 }, () => someoneWithCode(on)))
  if (!before || !between || !after || !unused) throw new Error('nobody is there')
  for (const { id } of [before, between, after, unused])
    await eventually(
      'the end of its job',
      async () => (await call('GET', `/v1/challenges/${id}`)).body.delivery === 'sent',
    )
  t.match(await answer(before), { status: 201 })

  // Redis first: what is used from now on the fence knows of, and the copy of Redis does not.
  const redis = await backUpRedis(on.redis)
  t.match(await answer(between), { status: 201 })
  const postgres = await backUpPostgres(on.postgres)
  const lost = await answer(after)
  t.match(lost, { status: 201 })
  const sent = (await ledger()).length

  await Promise.all([on.redis.kill(), on.postgres.kill()])
  redis.putBack()
  postgres.putBack()
  await Promise.all([on.redis.restart(), on.postgres.restart()])
  await on.readyAgain()

  t.match(await answer(before), gone, 'used before either')
  t.match(await answer(between), gone, 'lives in the copy of Redis, and the fence stands')
  t.match(await on.fenced(), { forgot: 1 })
  t.match(
    await refresh(lost.body.session.refreshToken),
    { status: 401 },
    'what came after the backup is lost as a whole',
  )
  const again = await answer(after)
  t.match(again, { status: 201, body: { user: { phone: after.phone } } }, 'so its code has its effect, once')
  t.match(await answer(after), gone)
  t.match(await answer(unused), { status: 201 })
  const [made] = await on.sql<{ count: string }>('select count(*) from users where phone = any($1)', [
    [before, between, after, unused, owner].map(({ phone }) => phone),
  ])
  t.equal(made?.count, '5', 'everybody is there, once')

  t.match(await call('GET', '/v1/me', undefined, owner.session.accessToken), { status: 200 })
  t.match(await refresh(owner.session.refreshToken), { status: 200 })
  t.match(await call('POST', '/v1/login', { identifier: owner.phone, password }), { status: 200 })
  t.equal((await ledger()).length, sent, 'and nothing was sent again')
  const newcomer = await someoneSignedUp(on)
  t.match(await call('GET', '/v1/me', undefined, newcomer.session.accessToken), { status: 200 }, 'and life goes on')
})
