import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createTabs, type Locks } from '../src/tabs.js'

const longestWaitMs = 9_000
const nothing = () => undefined

/** Counts how many work at a time. */
function counted() {
  let now = 0
  const seen = { most: 0, done: 0 }
  return {
    seen,
    work: async () => {
      now += 1
      seen.most = Math.max(seen.most, now)
      await sleep(1)
      now -= 1
      seen.done += 1
    },
  }
}

t.test(
  'where the browser has no locks, the clients of a page take turns all the same, and a failure holds up nobody',
  async (t) => {
    const name = randomUUID()
    const tabs = [1, 2, 3].map(() => createTabs({ name, locks: undefined, heard: nothing, longestWaitMs }))
    t.teardown(() => tabs.forEach(({ close }) => close()))
    const { work, seen } = counted()
    const failing = tabs[0]?.alone(() => Promise.reject(new Error('no')))
    await Promise.all([t.rejects(failing ?? sleep(0), { message: 'no' }), ...tabs.map(({ alone }) => alone(work))])
    t.same(seen, { most: 1, done: 3 })
  },
)

t.test('the locks of the browser are asked for, and what fails under one fails once', async (t) => {
  const names: string[] = []
  const locks: Locks = {
    request: (name, _options, work) => {
      names.push(name)
      return work()
    },
  }
  const name = randomUUID()
  const { alone, close } = createTabs({ name, locks, heard: nothing, longestWaitMs })
  t.teardown(close)
  let turns = 0
  await t.rejects(
    alone(async () => {
      turns += 1
      throw new Error('no')
    }),
    { message: 'no' },
  )
  t.equal(await alone(async () => 7), 7)
  t.strictSame([turns, names], [1, [name, name]])
})

t.test('a lock that is never let go, or may not be had, is done without', async (t) => {
  const never: Locks = {
    request: (_name, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('given up')))),
  }
  const forbidden: Locks = { request: () => Promise.reject(new Error('not for such a page')) }
  const stuck = createTabs({ name: randomUUID(), locks: never, heard: nothing, longestWaitMs: 20 })
  const none = createTabs({ name: randomUUID(), locks: forbidden, heard: nothing, longestWaitMs })
  t.teardown(() => [stuck, none].forEach(({ close }) => close()))
  t.equal(await none.alone(async () => 1), 1)
  t.equal(await stuck.alone(async () => 2), 2)
})

t.test('all tabs but the one that announces are told, and none that was closed', async (t) => {
  const name = randomUUID()
  const told: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map((tab) =>
    createTabs({ name, locks: undefined, heard: () => void told.push(tab), longestWaitMs }),
  )
  c?.close()
  a?.announce()
  while (told.length < 1) await sleep(5)
  b?.announce()
  while (told.length < 2) await sleep(5)
  t.strictSame(told, ['b', 'a'])
  a?.close()
  b?.close()
})

t.test('a page looks again when what another process stored reaches it, until it is closed', async (t) => {
  const page = new EventTarget()
  Object.defineProperty(globalThis, 'window', { configurable: true, value: page })
  t.teardown(() => Reflect.deleteProperty(globalThis, 'window'))
  let looks = 0
  const { close } = createTabs({ name: randomUUID(), locks: undefined, heard: () => (looks += 1), longestWaitMs })
  page.dispatchEvent(new Event('storage'))
  t.equal(looks, 1)
  close()
  page.dispatchEvent(new Event('storage'))
  t.equal(looks, 1)
})
