import { randomBytes } from 'node:crypto'

/** One message that the stand-in took: what a carrier would have sent, and billed. */
export interface Accept {
  readonly sid: string
  readonly to: string
  readonly from: string | null
  readonly messagingServiceSid: string | null
  readonly body: string
  readonly validityPeriod: number | null
  readonly statusCallback: string | null
  readonly at: string
}

export interface Ledger {
  /** `prefix` is put before the text. */
  add(form: URLSearchParams, prefix?: string): Accept
  /** Oldest first; of one recipient where `to` is given. */
  list(to?: string): readonly Accept[]
}

/** Enough for any test and a long benchmark, without growing for ever. */
const kept = 50_000

/** Everything that was accepted, the newest 50,000 of it. */
export function createLedger(): Ledger {
  const all = new Set<Accept>()
  const byRecipient = new Map<string, Set<Accept>>()

  function forget(accept: Accept): void {
    all.delete(accept)
    const rest = byRecipient.get(accept.to)
    rest?.delete(accept)
    if (rest?.size === 0) byRecipient.delete(accept.to)
  }
  return {
    add(form, prefix = '') {
      const period = form.get('ValidityPeriod')
      const accept: Accept = {
        sid: `SM${randomBytes(16).toString('hex')}`,
        to: form.get('To') ?? '',
        from: form.get('From'),
        messagingServiceSid: form.get('MessagingServiceSid'),
        body: `${prefix}${form.get('Body') ?? ''}`,
        validityPeriod: period === null ? null : Number(period),
        statusCallback: form.get('StatusCallback'),
        at: new Date().toISOString(),
      }
      all.add(accept)
      byRecipient.set(accept.to, (byRecipient.get(accept.to) ?? new Set()).add(accept))
      const [oldest] = all
      if (all.size > kept && oldest !== undefined) forget(oldest)
      return accept
    },
    list: (to) => [...(to === undefined ? all : (byRecipient.get(to) ?? []))],
  }
}
