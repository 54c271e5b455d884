/** One message that the stand-in took: what a carrier would have sent, and billed. */
export interface Taken {
  readonly to: string
}

export interface Ledger<A extends Taken> {
  add(accept: A): A
  /** Oldest first; of one recipient where `to` is given. */
  list(to?: string): readonly A[]
  /** Forgets everything. */
  clear(): void
}

/** Enough for any test and a long benchmark, without growing for ever. */
const kept = 50_000

/** Everything that was accepted, the newest 50,000 of it. */
export function createLedger<A extends Taken>(): Ledger<A> {
  const all = new Set<A>()
  const byRecipient = new Map<string, Set<A>>()

  function forget(accept: A): void {
    all.delete(accept)
    const rest = byRecipient.get(accept.to)
    rest?.delete(accept)
    if (rest?.size === 0) byRecipient.delete(accept.to)
  }
  return {
    add(accept) {
      all.add(accept)
      byRecipient.set(accept.to, (byRecipient.get(accept.to) ?? new Set()).add(accept))
      const [oldest] = all
      if (all.size > kept && oldest !== undefined) forget(oldest)
      return accept
    },
    list: (to) => [...(to === undefined ? all : (byRecipient.get(to) ?? []))],
    clear() {
      all.clear()
      byRecipient.clear()
    },
  }
}
