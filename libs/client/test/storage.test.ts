import t from 'tap'
import { inLocalStorage, inMemory } from '../src/storage.js'

/** What a browser gives a page, or forbids it. */
function browser(area: object | undefined) {
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get() {
      if (area === undefined) throw new Error('SecurityError')
      return area
    },
  })
}

t.test('what a page keeps stands under its name, and every client of that name sees it', async (t) => {
  const kept = new Map<string, string>()
  browser({
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  })
  const [one, other, third] = [inLocalStorage(), inLocalStorage(), inLocalStorage('shop')]
  t.equal(kept.size, 0, 'nothing is left of the try')
  await one.set('session', 's')
  await one.set('device', 'd')
  t.same([await other.get('session'), await other.get('device'), await third.get('session')], ['s', 'd', null])
  await other.clear('session')
  t.same([await one.get('session'), await one.get('device')], [null, 'd'])
  t.same([one.sharedAs, other.sharedAs, third.sharedAs], ['latchkey', 'latchkey', 'shop'])
  t.same([...kept.keys()], ['latchkey.device'])
})

t.test('where the browser keeps nothing, the page does for as long as it is open', async (t) => {
  const full = () => {
    throw new Error('QuotaExceededError')
  }
  for (const area of [undefined, { setItem: full }]) {
    browser(area)
    const storage = inLocalStorage()
    await storage.set('session', 's')
    t.equal(await storage.get('session'), 's')
    t.equal(storage.sharedAs, undefined, 'and no other tab is thought to see it')
  }
  t.notOk(await inMemory().get('session'))
})
