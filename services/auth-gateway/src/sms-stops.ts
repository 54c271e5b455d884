import { copyFields } from '@latchkey/contracts/copy-record'
import { inForce, SwitchRecord, switchesKey } from '@latchkey/contracts/switch-record'
import { AppError } from '@latchkey/kit/app-error'
import { createCopiedList } from '@latchkey/kit/copied-list'
import type { Redis } from 'ioredis'
import { Gauge, type Registry } from 'prom-client'
import type { RefuseStopped } from './flows/ports.js'

interface StopsNeeds {
  /** That of the queue, where users keeps the copy of the switches. */
  readonly redis: Redis
  readonly prefix: string
  readonly metrics: Registry
}

/** Knows what operators have stopped, as the worker does. */
export function createRefuseStopped({ redis, prefix, metrics }: StopsNeeds): RefuseStopped {
  const list = createCopiedList({ redis, key: switchesKey(prefix), fields: copyFields, schema: SwitchRecord })
  const stops = async () => inForce(await list.read()).filter(({ does }) => does === 'stop')
  void new Gauge({
    name: 'latchkey_switched',
    help: '1 for each switch of an operator that this process obeys',
    labelNames: ['does', 'target', 'name'],
    registers: [metrics],
    async collect() {
      this.reset()
      for (const { does, target, name } of await stops()) this.set({ does, target, name }, 1)
    },
  })
  return async function refuseStopped({ purposes, country }) {
    const met = (await stops()).filter(({ target, name }) =>
      target === 'country' ? name === country : purposes.some((purpose) => purpose === name),
    )
    const [first] = met
    if (first === undefined) return
    throw new AppError('unavailable', {
      detail: `Messages ${first.target === 'country' ? 'to this country' : 'of this kind'} are not sent at the moment.`,
      retryAt: new Date(Math.max(...met.map(({ until }) => Date.parse(until)))),
    })
  }
}
