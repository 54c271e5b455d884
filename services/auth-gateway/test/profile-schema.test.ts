import { AppError } from '@latchkey/kit/app-error'
import t from 'tap'
import { createCheckProfile } from '../src/profile-schema.js'

const schema = JSON.stringify({
  type: 'object',
  properties: {
    city: { type: 'string', maxLength: 10 },
    born: { type: 'string', format: 'date' },
    tags: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 2 },
  },
  required: ['city'],
  additionalProperties: false,
})

const refused = (text: string | undefined, profile: Record<string, unknown>) => {
  try {
    createCheckProfile(text)(profile)
    return []
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return error.members.errors ?? []
  }
}

t.test(
  'a profile must keep the operator’s schema; what does not is named by its path, all of it at once',
  async (t) => {
    t.same(refused(schema, { city: 'Pune', born: '1990-02-28', tags: ['a'] }), [])
    t.match(refused(schema, { born: '1990-02-30', tags: ['a', 'c'], 'a/b': 1 }), [
      { path: '/profile/city', message: 'is missing' },
      { path: '/profile/a~1b', message: /not known/ },
      { path: '/profile/born' },
      { path: '/profile/tags/1' },
    ])
    const given = { city: 7 as unknown }
    t.match(refused(schema, given), [{ path: '/profile/city' }])
    t.same(given, { city: 7 }, 'nothing is coerced')
  },
)

t.test('without a schema any object is a profile', async (t) => {
  t.same(refused(undefined, { anything: [1, { goes: true }] }), [])
})

t.test('what is no schema is refused at start', async (t) => {
  for (const text of [
    'no json',
    '[]',
    '{"type":"objekt"}',
    '{"type":"object","propertys":{}}',
    '{"$ref":"https://example.com/other.json"}',
    '{"properties":{"a":{"format":"no-format"}}}',
    '{"$async":true}',
  ])
    t.throws(() => createCheckProfile(text), text)
})
