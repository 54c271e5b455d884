import type { Flows } from './flows.js'
import type { FacePolicy } from './policy.js'

/** Everything a face that speaks a documented API is given. */
export interface FaceOptions {
  /** Its name: the audience of its tokens, and the face of its callers. */
  readonly face: string
  readonly flows: Flows
  readonly policy: FacePolicy
  /** Calling code, without `+`, of the country in which numbers without one are read. */
  readonly callingCode: string
  /** AES-256 key that a face shares with its front ends, where the operator gave one. */
  readonly userKey?: Buffer
}
