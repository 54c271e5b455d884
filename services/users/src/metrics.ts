import { Counter, type Registry } from 'prom-client'
import type { ObserveFenced } from './challenges/challenges.service.js'

export interface UsersMetrics {
  readonly observeFenced: ObserveFenced
}

/** The figures that only users can tell: what its fences turned away. */
export function createUsersMetrics(registry: Registry): UsersMetrics {
  const fenced = new Counter({
    name: 'latchkey_used_codes_fenced_total',
    help: 'Right answers to challenges that were used before, by what Redis knew of that: it forgot, or it was never told',
    labelNames: ['redis'],
    registers: [registry],
  })
  // An alarm on an increase sees no first one where there was nothing before.
  for (const redis of ['forgot', 'unsure']) fenced.inc({ redis }, 0)
  return { observeFenced: (redis) => fenced.inc({ redis }) }
}
