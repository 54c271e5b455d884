import { copyFields } from '@latchkey/contracts/copy-record'
import { guardModes, inForce, SwitchRecord, switchesKey } from '@latchkey/contracts/switch-record'
import { AppError } from '@latchkey/kit/app-error'
import { createCopiedList } from '@latchkey/kit/copied-list'
import type { Redis } from '@latchkey/kit/redis'
import { Gauge, type Registry } from 'prom-client'
import type { RuleModes } from './abuse/sms-budget.js'
import type { RefuseStopped } from './flows/ports.js'

/** What operators have switched, as far as it is a gateway's to obey. */
export interface SmsSwitches {
  readonly refuseStopped: RefuseStopped
  /** What the rules of the guard do now: what an operator ordered, else what is configured. Never fails. */
  guardModes(configured: RuleModes): Promise<RuleModes>
}

interface SmsSwitchesNeeds {
  /** That of the queue, where users keeps the copy of the switches. */
  readonly redis: Redis
  readonly prefix: string
  readonly metrics: Registry
}

/** Knows what operators have switched, as the worker does. */
export function createSmsSwitches({ redis, prefix, metrics }: SmsSwitchesNeeds): SmsSwitches {
  const list = createCopiedList({ redis, key: switchesKey(prefix), fields: copyFields, schema: SwitchRecord })
  const read = async () => inForce(await list.read())
  const stops = async () => (await read()).filter(({ does }) => does === 'stop')
  const ofGuard = async () => (await read()).filter(({ target }) => target === 'guard')
  void new Gauge({
    name: 'latchkey_switched',
    help: '1 for each switch of an operator that this process obeys',
    labelNames: ['does', 'target', 'name'],
    registers: [metrics],
    async collect() {
      this.reset()
      for (const { does, target, name } of [...(await stops()), ...(await ofGuard())])
        this.set({ does, target, name }, 1)
    },
  })
  return {
    async refuseStopped({ purposes, country }) {
      const met = (await stops()).filter(({ target, name }) =>
        target === 'country' ? name === country : purposes.some((purpose) => purpose === name),
      )
      const [first] = met
      if (first === undefined) return
      throw new AppError('unavailable', {
        detail: `Messages ${first.target === 'country' ? 'to this country' : 'of this kind'} are not sent at the moment.`,
        retryAt: new Date(Math.max(...met.map(({ until }) => Date.parse(until)))),
      })
    },
    async guardModes(configured) {
      const ordered = await ofGuard()
      const modeOf = (rule: keyof RuleModes) => {
        const does = ordered.find(({ name }) => name === rule)?.does
        return guardModes.find((mode) => mode === does) ?? configured[rule]
      }
      return { ranges: modeOf('ranges'), networks: modeOf('networks'), day_budget: modeOf('day_budget') }
    },
  }
}
