import type { Answer } from '../../journey/journey.js'
import type { Sentence } from '../scene.js'
import { randomAddress, randomPerson } from '../world.js'

export const edge: readonly Sentence[] = [
  [
    'what Fastify refuses itself looks as the framework of the face would say it',
    async (t, { face, client }) => {
      const by = client()
      const path = {
        staged: '/auth/login',
        careops: '/auth/login',
        jodimilan: '/auth/login',
        rently: '/auth/login',
        'users-api': '/users/register/',
      }[face.name]
      const login = `/${face.name}/api${path}`
      const json = { 'content-type': 'application/json' }
      const malformed = { careops: 422 }[face.name as string] ?? (face.name === 'jodimilan' ? 422 : 400)
      const cases: [what: string, status: number | number[], answer: Promise<Answer>][] = [
        ['nothing there', 404, by.call('GET', `/${face.name}/api/nothing`)],
        ['nothing there, posted', 404, by.call('POST', `/${face.name}/api/auth/nothing`, {})],
        ['outside /api', 404, by.call('GET', `/${face.name}/nothing`)],
        ['the prefix alone', 404, by.call('GET', `/${face.name}`)],
        ['in capitals', 404, by.call('POST', login.replace('/api/', '/API/'), {})],
        ['another method', 405, by.call('GET', login)],
        ['another method', 405, by.call('DELETE', login)],
        ['too large', 413, by.call('POST', login, { email: 'x'.repeat(20_000) })],
        [
          'another media type',
          415,
          by.call('POST', login, undefined, { raw: '<x/>', headers: { 'content-type': 'text/xml' } }),
        ],
        ['malformed', [400, malformed], by.call('POST', login, undefined, { raw: '{"email":', headers: json })],
        [
          'a poisoned prototype',
          [400, malformed],
          by.call('POST', login, undefined, { raw: '{"__proto__":{"a":1}}', headers: json }),
        ],
        ['no body', [400, malformed], by.call('POST', login, undefined, { headers: json })],
        ['a list', [400, malformed], by.call('POST', login, [])],
        ['bad encoding', [400, 404, malformed], by.call('GET', `/${face.name}/api/%ZZ`)],
        ['nothing there, at the root', 404, by.call('GET', '/api/nothing')],
        ['another method, at the root', 405, by.call('GET', login.slice(face.name.length + 1))],
      ]
      for (const [what, status, asked] of cases) {
        const answer = await asked
        t.ok([status].flat().includes(answer.status), `${what}: ${answer.status}`)
        t.ok(face.isShaped(answer), `${what}: ${JSON.stringify(answer.body)}`)
        t.notMatch(JSON.stringify(answer.body), /FST_|SyntaxError|stack/, what)
      }
      t.match((await by.call('GET', login)).headers['allow'], /POST/)
      for (const path of ['/v1/nothing', `/${face.name}x`])
        t.match(await by.call('GET', path), { status: 404, body: { code: 'not.found' } }, `${path} is none of its own`)
    },
  ],
  [
    'a trailing slash, or none, is the same path',
    async (t, { face, client }) => {
      const by = client()
      const [route, body] =
        face.name === 'users-api'
          ? (['users/send-phone-otp', { phone: randomPerson().phone }] as const)
          : (['auth/login', { email: 'nobody@example.com', password: 'nothing' }] as const)
      const answers = [
        await by.call('POST', `/${face.name}/api/${route}`, body),
        await by.call(
          'POST',
          `/${face.name}/api/${route}/`,
          face.name === 'users-api' ? { phone: randomPerson().phone } : body,
        ),
      ]
      t.equal(answers[0]?.status, answers[1]?.status)
      t.ok(answers.every(({ status }) => status === (face.name === 'users-api' ? 200 : 401)))
    },
  ],
  [
    'too many sends from one address are refused in the shape of the face',
    async (t, { face, client }) => {
      const address = randomAddress()
      let refused: Answer | undefined
      for (let n = 0; n < 40 && refused === undefined; n++) {
        const answer = await face.register(client({ address }), { ...randomPerson(), phone: '+910000000000' })
        if (answer.headers['retry-after'] !== undefined) refused = answer
      }
      t.ok(refused?.status === 429 || (face.name === 'jodimilan' && refused?.status === 400))
      t.ok(refused !== undefined && face.isShaped(refused), JSON.stringify(refused?.body))
    },
  ],
]
