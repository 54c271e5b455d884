import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Endpoint } from '@latchkey/contracts/endpoint'
import t from 'tap'
import { type AnswerOf, type CallName, calls, type FailsOf, type InputOf } from '../src/calls.js'
import { createClient } from '../src/client.js'

const isEndpoint = (value: unknown): value is Endpoint =>
  typeof value === 'object' && value !== null && 'fails' in value

t.test('every call that any file of the contract describes has its line and its method', async (t) => {
  const described = new Map<string, Endpoint>()
  for (const folder of ['v1', 'admin'])
    for (const file of readdirSync(
      fileURLToPath(new URL(folder, import.meta.resolve('@latchkey/contracts/endpoint'))),
    )) {
      if (!file.endsWith('.js')) continue
      const module = (await import(`@latchkey/contracts/${folder}/${file.slice(0, -3)}`)) as Record<string, unknown>
      for (const [name, value] of Object.entries(module)) if (isEndpoint(value)) described.set(name, value)
    }
  t.ok(described.size >= 20)
  t.strictSame(Object.keys(calls).sort(), [...described.keys()].sort())
  const client = createClient() as unknown as Record<string, unknown>
  for (const [name, { method, path, bearer, body }] of described) {
    const [saysMethod, saysPath, along] = calls[name as CallName]
    t.strictSame([saysMethod, saysPath, along === 'bearer'], [method, path, bearer === true], name)
    t.equal(along === 'device', 'deviceToken' in ((body as { properties?: object })?.properties ?? {}), name)
    t.type(client[name], 'function', name)
  }
})

t.test('types say what a call takes and answers, and tokens are in neither', async (t) => {
  const client = createClient({ fetch: () => Promise.reject(new Error('nothing is called here')) })
  const typed = async () => {
    const signedIn = await client.signInWithPassword({ identifier: 'asha', password: 'p' })
    if ('challenge' in signedIn) return signedIn.challenge.resendAt satisfies string
    // @ts-expect-error the client keeps the tokens
    void signedIn.session.refreshToken
    // @ts-expect-error and sends them
    void client.refreshSession({ refreshToken: 't' })
    // @ts-expect-error what is required is
    void client.answerChallenge({ id: 'c' })
    // @ts-expect-error nothing else is taken
    void client.signInWithCode({ phone: '+1', colour: 'red' })
    const none: undefined | void = await client.deleteMe()
    return none
  }
  t.type(typed, 'function')
  const input: InputOf<'answerChallenge'> = { id: 'c', code: '1' }
  const answer: AnswerOf<'listSessions'>['sessions'] = []
  const fails: FailsOf<'getMe'>[] = ['token.invalid', 'rate.limited', 'unavailable']
  // @ts-expect-error not of this call
  const other: FailsOf<'getMe'> = 'challenge.wrong'
  t.ok([input, answer, fails, other])
})

t.test('what runs is this package alone, in less than 6 KB', async (t) => {
  const source = fileURLToPath(new URL('../src/', import.meta.url))
  const files = readdirSync(source).filter((file) => file.endsWith('.js'))
  const code = files.map((file) => readFileSync(source + file, 'utf8'))
  const needed = code.join('').matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)|\bimport '([^']+)'/g)
  t.strictSame(
    [...needed].map(([, a, b, c]) => a ?? b ?? c ?? '').filter((target) => !/^\.\/[\w-]+\.js$/.test(target)),
    [],
  )
  const bytes = gzipSync(code.join('').replace(/^\s*(?:\/\*\*[^]*?\*\/|\/\/.*)$/gm, '')).length
  t.comment(`figures: ${bytes} bytes gzip, not minified`)
  t.ok(bytes < 6_000, `${bytes} bytes`)
})
