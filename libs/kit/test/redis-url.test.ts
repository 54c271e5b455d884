import t from 'tap'
import { readRedisUrl, redisUrlProblems } from '../src/redis-url.js'

t.test('one server, a cluster and a master behind sentinels are told apart by their URL', async (t) => {
  t.same(readRedisUrl('rediss://me:secret@host:6380/3'), { kind: 'server', url: 'rediss://me:secret@host:6380/3' })
  t.same(readRedisUrl('redis-cluster://:p%40ss@a,[::1]:7000,c:7001/0'), {
    kind: 'cluster',
    nodes: [
      { host: 'a', port: 6379 },
      { host: '::1', port: 7000 },
      { host: 'c', port: 7001 },
    ],
    as: { password: 'p@ss' },
    tls: false,
  })
  t.same(readRedisUrl('rediss-sentinel://me:secret@a:1,b/2?master=codes&sentinelPassword=other'), {
    kind: 'sentinel',
    sentinels: [
      { host: 'a', port: 1 },
      { host: 'b', port: 26_379 },
    ],
    master: 'codes',
    database: 2,
    as: { username: 'me', password: 'secret' },
    sentinelPassword: 'other',
    tls: true,
  })
})

t.test('a URL that cannot be meant is refused by what is wrong with it, and never quoted', async (t) => {
  for (const [url, said] of [
    ['redis://me:secret@a:1,b:2', /several hosts/],
    ['redis-cluster://me:secret@a:1/3', /no databases/],
    ['redis-cluster://me:secret@a:1?master=x', /nothing behind/],
    ['redis-cluster://me:secret@a:0', /host:port/],
    ['redis-cluster://me:secret@a:1,', /host:port/],
    ['redis-sentinel://me:secret@a:1', /which master/],
    ['redis-sentinel://me:secret@a:1?master=x&db=secret', /it takes master/],
    ['redis-sentinel://me:secret@a:1/secret?master=x', /no URL/],
  ] as const) {
    const problems = redisUrlProblems({ REDIS_URL: url, QUEUE_REDIS_URL: undefined })
    t.match(problems, [said], url)
    t.match(problems, [/^REDIS_URL cannot be used: /])
    t.notMatch(problems.join(), /secret/)
  }
})
