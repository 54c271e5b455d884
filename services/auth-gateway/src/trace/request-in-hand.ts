import { AsyncLocalStorage } from 'node:async_hooks'

/** What the trace tells of a request. */
export interface AboutRequest {
  readonly requestId: string
  /** Method and pattern. */
  readonly route: string
}

interface InHand {
  readonly about: AboutRequest
  /** The phone that was read of it last. */
  phone?: string
}

const inHand = new AsyncLocalStorage<InHand>()

/** Everything that `work` leads to knows which request it is done for. */
export const duringRequest = (about: AboutRequest, work: () => void): void => inHand.run({ about }, work)

/** The request that the calling code works for; undefined where it works for none. */
export const requestInHand = (): AboutRequest | undefined => inHand.getStore()?.about

/** What follows in this request is about this phone. */
export function rememberPhone(phone: string): void {
  const request = inHand.getStore()
  if (request !== undefined) request.phone = phone
}

/** The phone that was read of the request last, if any was. */
export const phoneInHand = (): string | undefined => inHand.getStore()?.phone
