import t from 'tap'
import { createOpenChallenge } from '../src/messages/open-challenge.js'
import { codeFor, createSurroundings, randomPrefix, workerEnv } from './harness.js'
import { somebody } from './stand-in.js'

t.test('only a live code of this generation, in its time, is opened', async (t) => {
  const { open, change, remove, redis, sealer, ids } = createSurroundings(t, workerEnv(), randomPrefix())
  const openChallenge = createOpenChallenge({ redis, sealer, ids, clockOffsetMs: 0 })
  const message = codeFor(somebody())
  const wanted = await open({ message })
  t.match(await openChallenge(wanted), { verdict: 'open', message, locale: 'en' })

  t.match(await openChallenge(await open({ message, lifeMs: -1 })), { verdict: 'expired' }, 'its life is over')
  t.match(
    await openChallenge(await open({ message, notAfterMs: -1 })),
    { verdict: 'expired' },
    'the time of the message',
  )
  for (const state of ['used', 'exhausted', 'cancelled']) {
    const ended = await open({ message })
    await change(ended, { state })
    t.match(await openChallenge(ended), { verdict: 'superseded' }, state)
  }
  const newer = await open({ message })
  await change(newer, { generation: 2 })
  t.match(await openChallenge(newer), { verdict: 'superseded' }, 'a newer code')
  t.match(await openChallenge({ ...newer, generation: 2 }), { verdict: 'unreadable' }, 'a box of another generation')
  const gone = await open({ message })
  await remove(gone)
  t.match(await openChallenge(gone), { verdict: 'superseded' }, 'gone')
  const quiet = await open({ message })
  await change(quiet, { quiet: `another,${quiet.messageId}` })
  t.match(await openChallenge(quiet), { verdict: 'open', message: { kind: 'decoy' } }, 'not to be sent')
})
