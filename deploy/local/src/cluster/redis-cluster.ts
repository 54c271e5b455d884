import { Redis } from 'ioredis'
import { pickPort } from '../ports.js'
import type { Member, Place } from './member.js'
import { keepRedis } from './redis-member.js'
import { waitFor } from './wait-for.js'

const slots = 16_384
/** Of each shard: who has it, and who takes it over. */
const copies = 2
/** After so long without a word a node is given up by the others. */
const nodeTimeoutMs = 1_500

/** A Redis Cluster: `shards` masters, and a replica for each. What it keeps is lost with its folder. */
export async function startRedisCluster(place: Place, shards = 3): Promise<{ url: string; members: Member[] }> {
  const members = await Promise.all(
    Array.from({ length: shards * copies }, async (_, at) => {
      const [port, busPort] = [await pickPort(), await pickPort()]
      const settings = {
        'cluster-enabled': 'yes',
        'cluster-port': busPort,
        'cluster-node-timeout': nodeTimeoutMs,
        // Whose share is gone is refused, and nobody else.
        'cluster-require-full-coverage': 'no',
        'cluster-replica-validity-factor': 0,
        'repl-diskless-sync-delay': 0,
      }
      return { member: await keepRedis(`redis-${at + 1}`, port, place, { databases: 1, settings }), busPort }
    }),
  )
  await unite(
    members.map(({ member: { port }, busPort }) => ({ port, busPort })),
    shards,
  )
  return {
    url: `redis-cluster://${members.map(({ member: { port } }) => `127.0.0.1:${port}`).join(',')}`,
    members: members.map(({ member }) => member),
  }
}

/** As `redis-cli --cluster create` does it. */
async function unite(places: readonly { port: number; busPort: number }[], shards: number): Promise<void> {
  const nodes = places.map(({ port }) => new Redis(port, '127.0.0.1'))
  try {
    const [first] = places
    await Promise.all(nodes.map((node, at) => node.call('CLUSTER', 'SET-CONFIG-EPOCH', `${at + 1}`)))
    await Promise.all(
      nodes.slice(0, shards).map((node, at) => {
        const [from, to] = [at, at + 1].map((share) => Math.floor((slots * share) / shards))
        return node.call('CLUSTER', 'ADDSLOTSRANGE', `${from}`, `${(to ?? 0) - 1}`)
      }),
    )
    for (const node of nodes.slice(1))
      await node.call('CLUSTER', 'MEET', '127.0.0.1', `${first?.port}`, `${first?.busPort}`)
    await until('the nodes to know each other', nodes, (info) => info.includes(`cluster_known_nodes:${nodes.length}`))
    const ids = await Promise.all(nodes.slice(0, shards).map((node) => node.call('CLUSTER', 'MYID')))
    await Promise.all(
      nodes.slice(shards).map((node, at) => node.call('CLUSTER', 'REPLICATE', String(ids[at % shards]))),
    )
    await until('the cluster to be whole', nodes, (info) => info.includes('cluster_state:ok'))
    for (const node of nodes.slice(shards))
      await waitFor('a replica', async () => (await node.info('replication')).includes('master_link_status:up'))
  } finally {
    for (const node of nodes) node.disconnect()
  }
}

async function until(what: string, nodes: readonly Redis[], is: (info: string) => boolean): Promise<void> {
  for (const node of nodes) await waitFor(what, async () => is(String(await node.call('CLUSTER', 'INFO'))))
}
