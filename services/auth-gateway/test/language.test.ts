import { randomBytes } from 'node:crypto'
import { createHttp } from '@latchkey/kit/http'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t from 'tap'
import { caller } from '../src/http/plugins/caller.js'

t.test(
  'the language of a message is the one of ours that the caller likes best, and nobody’s where he likes none',
  async (t) => {
    const app = createHttp({ log: pino({ level: 'silent' }), metrics: new Registry(), requestId: () => 'r-1' })
    t.teardown(() => app.close())
    await app.register(caller, { clientKey: { id: 'k', secret: randomBytes(32) }, exempt: [] })
    app.get('/', async (request) => ({ locale: request.caller('v1').locale }))
    for (const [header, locale] of [
      ['pt-BR', 'pt'],
      ['PT-br,en;q=0.5', 'pt'],
      ['de-CH,de;q=0.9,fr;q=0.4,hi;q=0.7', 'hi'],
      ['en;q=0,ar', 'ar'],
      ['zh-Hans-CN, es-419', 'es'],
      ['de', ''],
      ['*', ''],
      ['de, *;q=0.5', ''],
      ['', ''],
      [undefined, ''],
      [';;,,=q', ''],
      ['constructor, __proto__', ''],
      [`en-${'x'.repeat(4_000)}`, 'en'],
    ] as const) {
      const headers = header === undefined ? {} : { 'accept-language': header }
      t.strictSame((await app.inject({ url: '/', headers })).json(), { locale }, header ?? 'no header')
    }
  },
)
