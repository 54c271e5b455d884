import { orUnavailable } from '@latchkey/kit/redis'
import { redisScript } from '@latchkey/kit/redis-script'
import type { Redis } from '@latchkey/kit/redis'
import { Gauge, type Registry } from 'prom-client'
import type { ChallengeKeys } from '../challenges/challenge-keys.js'
import type { DearestPrices } from './dearest-prices.js'

/** What strangers may make us spend on messages in a day. Throws `unavailable`. */
export interface DayBudget {
  /** Whether a message to a country was still within it; it is spent then. */
  spend(country: string): Promise<boolean>
  /** Gives back what a message would have cost that was not sent. */
  unspend(country: string): Promise<void>
}

interface DayBudgetNeeds {
  readonly redis: Redis
  readonly keys: ChallengeKeys
  readonly prices: DearestPrices
  /** In millionths of the currency of the prices. */
  readonly budgetMicros: number
  readonly clockOffsetMs: () => number
  readonly metrics: Registry
}

/** One count for all gateways together, by the day of UTC. */
export function createDayBudget(needs: DayBudgetNeeds): DayBudget {
  const { redis, keys, prices, budgetMicros, clockOffsetMs, metrics } = needs
  const { currency } = prices
  const script = redisScript<[spent: number, micros: number]>(redis, new URL('./lua/day_budget.1.lua', import.meta.url))
  const key = keys.spent(keys.subject('day budget'))
  const spent = new Gauge({
    name: 'latchkey_day_budget_spent',
    help: 'What messages that anybody could ask for have cost today (UTC), as the last of them found it, by the price table',
    labelNames: ['currency'],
    registers: [metrics],
  })
  const budget = new Gauge({
    name: 'latchkey_day_budget',
    help: 'What they may cost a day',
    labelNames: ['currency'],
    registers: [metrics],
  })
  budget.set({ currency }, budgetMicros / 1_000_000)

  async function count(micros: number): Promise<boolean> {
    const [taken, now] = await orUnavailable(() => script(key, clockOffsetMs(), budgetMicros, micros))
    spent.set({ currency }, now / 1_000_000)
    return taken === 1
  }
  return {
    spend: (country) => count(prices.micros(country)),
    async unspend(country) {
      await count(-prices.micros(country))
    },
  }
}
