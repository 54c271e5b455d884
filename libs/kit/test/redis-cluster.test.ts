import { type AddressInfo, createServer, type Socket } from 'node:net'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { createLog } from '../src/log.js'
import { createRedis, guardRedis } from '../src/redis.js'

interface Node {
  readonly port: number
  policy: string
  /** Counts it got; each costs the connection it came by, answer and all. */
  counts: number
}

/** Nodes that speak of themselves as a cluster does, in equal shares: a real one would have to be set wrong for all. */
async function nodesOf(t: Test, count: number): Promise<Node[]> {
  const nodes: Node[] = []
  const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`
  const shares = () =>
    nodes.map(({ port }, at) => {
      const from = Math.floor((16_384 * at) / nodes.length)
      const to = Math.floor((16_384 * (at + 1)) / nodes.length) - 1
      return `*3\r\n:${from}\r\n:${to}\r\n*2\r\n${bulk('127.0.0.1')}:${port}\r\n`
    })
  const answer = (node: Node, socket: Socket, command: string, section: string) => {
    if (command === 'cluster' && section === 'slots') socket.write(`*${nodes.length}\r\n${shares().join('')}`)
    else if (command === 'cluster') socket.write(bulk('cluster_state:ok'))
    else if (command === 'info') socket.write(bulk(`maxmemory_policy:${node.policy}\r\naof_enabled:1\r\nloading:0`))
    else if (command === 'incr') {
      node.counts += 1
      socket.destroy()
    } else socket.write('+OK\r\n')
  }
  for (let n = 0; n < count; n++) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        for (const [, command = '', section = ''] of String(chunk).matchAll(
          /\*\d+\r\n\$\d+\r\n(\w+)(?:\r\n\$\d+\r\n(\w+))?/g,
        ))
          answer(node, socket, command.toLowerCase(), section.toLowerCase())
      })
      t.teardown(() => socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    t.teardown(() => server.close())
    const node: Node = { port: (server.address() as AddressInfo).port, policy: 'noeviction', counts: 0 }
    nodes.push(node)
  }
  return nodes
}

async function connected(t: Test, [first]: readonly Node[]) {
  const redis = createRedis(`redis-cluster://127.0.0.1:${first?.port}`, {
    log: createLog('test', 'silent'),
    name: 'test',
    patience: 'request',
  })
  t.teardown(() => redis.disconnect())
  await eventually('the cluster', async () => redis.status === 'ready')
  return redis
}

t.test('a cluster is sent nothing twice: who lost an answer is told so', async (t) => {
  const nodes = await nodesOf(t, 1)
  const redis = await connected(t, nodes)
  await t.rejects(redis.incr('wrong'), /closed/)
  t.equal(nodes[0]?.counts, 1)
})

t.test('every master of a cluster is looked at, and one that evicts is enough', async (t) => {
  const nodes = await nodesOf(t, 3)
  const look = async () => {
    const refusals: string[] = []
    const guard = guardRedis(await connected(t, nodes), {
      name: 'the cluster',
      appendOnly: true,
      refuse: ({ problems }) => void refusals.push(...problems),
    })
    t.teardown(() => guard.close())
    await eventually('a first look', async () => refusals.length > 0 || (await guard.check()) === undefined)
    return refusals
  }
  t.same(await look(), [])
  for (const node of nodes) {
    node.policy = 'allkeys-lru'
    t.match(await look(), [/the cluster has maxmemory-policy allkeys-lru/])
    node.policy = 'noeviction'
  }
})
