import { randomBytes } from 'node:crypto'
import { languages, languagesPattern, type MessageLanguages, parseLanguages } from '@latchkey/contracts/v1/languages'
import { createHttp } from '@latchkey/kit/http'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { caller } from '../src/http/plugins/caller.js'

async function gateway(t: Test, written: MessageLanguages) {
  const app = createHttp({ log: pino({ level: 'silent' }), metrics: new Registry(), requestId: () => 'r-1' })
  t.teardown(() => app.close())
  await app.register(caller, { clientKey: { id: 'k', secret: randomBytes(32) }, exempt: [], languages: written })
  app.get('/', async (request) => ({ locale: request.caller('v1').locale }))
  return async (header: string | undefined) => {
    const headers = header === undefined ? {} : { 'accept-language': header }
    return ((await app.inject({ url: '/', headers })).json() as { locale: string }).locale
  }
}

t.test(
  'the language of a message is the one of ours that the caller likes best, and nobody’s where he likes none',
  async (t) => {
    const localeOf = await gateway(t, ['en', 'es', 'hi', 'ar', 'fr', 'pt'])
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
    ] as const)
      t.equal(await localeOf(header), locale, header ?? 'no header')
  },
)

t.test('a language that the operator does not write in is passed over for the next', async (t) => {
  const localeOf = await gateway(t, ['en', 'ar'])
  t.strictSame([await localeOf('hi,ar;q=0.2'), await localeOf('hi')], ['ar', ''])
})

t.test('an operator names languages of ours, the first before all', async (t) => {
  const named = new RegExp(languagesPattern)
  for (const list of ['pt', 'hi,en', languages.join(',')]) t.match(list, named)
  for (const list of ['', 'de', 'en,', ',en', 'en de', 'EN', 'en,pt-BR']) t.notMatch(list, named)
  t.strictSame(parseLanguages('hi,en'), ['hi', 'en'])
})
