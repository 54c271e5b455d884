export const faultNames = [
  '503',
  '503-after-accept',
  '429',
  'hang',
  'reset-before',
  'reset-after-accept',
  'html-200',
  'error-200',
  'truncated',
  'slow-drip',
  'slow',
  'refuse',
  'lag',
  'odd-sid',
] as const
export type FaultName = (typeof faultNames)[number]

/** A misbehaviour that was ordered. */
export interface Fault {
  /** The recipient it is for, so that tests running side by side do not disturb each other; `*` for all. */
  readonly to: string
  readonly fault: FaultName
  /** The call it spoils: sending (the default), looking messages up, or (of nobody: `*`) asking for a token. */
  readonly on: 'send' | 'list' | 'token'
  /** How long `slow`, `slow-drip` and `hang` last, or what `Retry-After` of `429` says. */
  readonly ms: number
  /** Calls it spoils before it is used up; without it, all until it is withdrawn. */
  readonly times: number
  /** The carrier's own code of `refuse` (Twilio: 21610). */
  readonly code: number
  /** Put before the text of what is taken, as trial accounts of Twilio do. */
  readonly prefix: string
}

export interface Faults {
  order(fault: Fault): void
  /** The fault that spoils this call, counted down. */
  next(on: Fault['on'], to: string): Fault | undefined
  /** What is ordered for a recipient and not used up, with the calls it is still for as `times`. */
  left(to: string): readonly Fault[]
  withdraw(to?: string): void
}

/** Ordered faults, each recipient's first in, first out; `*` where a recipient has none of its own. */
export function createFaults(): Faults {
  const byRecipient = new Map<string, { fault: Fault; left: number }[]>()

  function take(on: Fault['on'], to: string): Fault | undefined {
    const queue = byRecipient.get(to) ?? []
    const first = queue.find(({ fault }) => fault.on === on)
    if (first === undefined) return undefined
    first.left -= 1
    if (first.left <= 0) queue.splice(queue.indexOf(first), 1)
    return first.fault
  }
  return {
    order(fault) {
      byRecipient.set(fault.to, [...(byRecipient.get(fault.to) ?? []), { fault, left: fault.times }])
    },
    next: (on, to) => take(on, to) ?? take(on, '*'),
    left: (to) => (byRecipient.get(to) ?? []).map(({ fault, left }) => ({ ...fault, times: left })),
    withdraw(to) {
      if (to === undefined) byRecipient.clear()
      else byRecipient.delete(to)
    },
  }
}

/** Longer than any caller's patience where that is the point. */
const usualMs: Partial<Record<FaultName, number>> = { hang: 60_000, 'slow-drip': 10_000 }

/** The order in a request's JSON; undefined where it cannot be read. A bare `code` means `refuse`. */
export function readFault(json: unknown): Fault | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { to = '*', fault, on = 'send', ms, times = Infinity, code, prefix = '' } = json as Record<string, unknown>
  const name = fault ?? (code === undefined ? undefined : 'refuse')
  const known = faultNames.find((candidate) => candidate === name)
  const about = (['send', 'list', 'token'] as const).find((candidate) => candidate === on)
  if (known === undefined || about === undefined || typeof to !== 'string' || typeof prefix !== 'string')
    return undefined
  return {
    to,
    fault: known,
    on: about,
    ms: Number(ms ?? usualMs[known] ?? 1_000),
    times: Number(times),
    code: Number(code ?? 21211),
    prefix,
  }
}
