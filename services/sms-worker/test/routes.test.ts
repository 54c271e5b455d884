import t from 'tap'
import { parsePace, parseRoutes, routeFor } from '../src/routing/routes.js'
import { loadWorkerConfig } from '../src/config.js'
import { workerEnv } from './harness.js'

const lanes = ['twilio', 'messagecentral']
const read = (text: string) => parseRoutes(text, lanes)
const order = (text: string, country: string, range?: string) =>
  routeFor(read(text).routes, lanes, { country, ...(range !== undefined && { range }) }).steps.map((step) =>
    step.map(({ lane, weight }) => (step.length > 1 ? `${lane} ${weight}` : lane)).join(', '),
  )

t.test(
  'the longest beginning of the number decides, then the country, then the rule for all, then SMS_PROVIDERS',
  async (t) => {
    const text =
      'IN: messagecentral > twilio; US CA: twilio 70, messagecentral 30; +91987: twilio; +9198765: messagecentral'
    t.strictSame(read(text).problems, [])
    t.strictSame(order(text, 'IN', '+9191111'), ['messagecentral', 'twilio'])
    t.strictSame(order(text, 'IN', '+9198700'), ['twilio'])
    t.strictSame(order(text, 'IN', '+9198765'), ['messagecentral'])
    t.strictSame(order(text, 'IN'), ['messagecentral', 'twilio'], 'nobody knows the number')
    t.strictSame(order(text, 'CA', '+1604555'), ['twilio 70, messagecentral 30'])
    t.strictSame(order(text, 'FR', '+3361234'), ['twilio', 'messagecentral'])
    t.strictSame(order(`${text}; *: messagecentral`, 'FR', '+3361234'), ['messagecentral'])
  },
)

t.test('a decoy without a number takes any of the routes, for one name always the same', async (t) => {
  const { routes } = read('IN: messagecentral; US: twilio > messagecentral')
  const first = (lot: number) => routeFor(routes, lanes, { country: 'ZZ', lot }).whose
  const lots = Array.from({ length: 4096 }, (_, lot) => first(lot))
  t.strictSame(new Set(lots), new Set(['IN', 'US', '*']))
  t.strictSame(
    lots,
    lots.map((_, lot) => first(lot)),
  )
  t.match(routeFor([], lanes, { country: 'ZZ', lot: 7 }), {
    steps: [[{ lane: 'twilio' }], [{ lane: 'messagecentral' }]],
  })
})

t.test('what cannot be read is named by its rule, and not quoted', async (t) => {
  const wrong: Record<string, RegExp> = {
    'IN messagecentral': /rule 1 must begin/,
    'IN: twilio; india: twilio': /rule 2 must begin/,
    '+919876543: twilio': /rule 1 must begin.*7 digits/,
    'IN: twilio 70, messagecentral': /rule 1 must go on/,
    'IN: twilio 0, messagecentral 1': /rule 1 must go on/,
    'IN: twilio >': /rule 1 must go on/,
    'IN: pigeon': /rule 1 names a lane that is not/,
    'IN: twilio > twilio': /rule 1 names a lane twice/,
    'IN: twilio; IN US: twilio': /rule 2 is about somebody/,
  }
  for (const [text, problem] of Object.entries(wrong)) {
    t.match(read(text).problems.join('\n'), problem, text)
    t.notMatch(read(text).problems.join('\n'), /pigeon|india|919876/, text)
  }
})

t.test('a pace is whole messages a second, of lanes that are there, each once', async (t) => {
  t.strictSame(
    [...parsePace('twilio 50, messagecentral 5', lanes).pace],
    [
      ['twilio', 50],
      ['messagecentral', 5],
    ],
  )
  t.strictSame(parsePace(undefined, lanes).problems, [])
  for (const text of ['twilio', 'twilio 0', 'twilio 0.5', '50 twilio', 'twilio 1,, messagecentral 1'])
    t.match(parsePace(text, lanes).problems, [/SMS_PACE must be a list/], text)
  t.match(parsePace('twilio 1, twilio 2', lanes).problems, [/twice/])
  t.match(parsePace('inbox 1', lanes).problems, [/not among/])
})

t.test('routes and paces that cannot be used keep the worker from starting', async (t) => {
  const load = (env: Record<string, string>) => () => loadWorkerConfig({ ...workerEnv('redis://127.0.0.1'), ...env })
  t.throws(load({ SMS_ROUTES: 'IN: twilio' }), /SMS_ROUTES: rule 1 names a lane that is not among SMS_PROVIDERS/)
  t.throws(load({ SMS_PACE: 'inbox fast' }), /SMS_PACE must be/)
  const { routes, pace } = load({ SMS_ROUTES: 'IN: inbox', SMS_PACE: 'inbox 7' })()
  t.match(routes, [{ whose: 'IN', steps: [[{ lane: 'inbox' }]] }])
  t.equal(pace.get('inbox'), 7)
})
