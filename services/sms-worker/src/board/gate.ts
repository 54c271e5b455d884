import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

export interface Credentials {
  readonly user: string
  readonly password: string
}

/** Throws where somebody is not to be let in: 401, or 429 after too many wrong tries. */
export type Gate = (given: Credentials, request: Pick<FastifyRequest, 'ip'>) => Promise<void>

/** Wrong tries of one address, and how long it is shut out after them. */
const triesAtMost = 10
const shutOutSeconds = 300

/** Knows one user. However many try at once, no more than ten guesses in five minutes of one address are looked at. */
export function createGate(wanted: Credentials): Gate {
  const tries = new RateLimiterMemory({ points: triesAtMost, duration: shutOutSeconds })
  const expected = digest(wanted)
  return async (given, { ip }) => {
    await tries.consume(ip).catch((spent: unknown) => {
      if (!(spent instanceof RateLimiterRes)) throw spent
      throw refusal(429, Math.ceil(spent.msBeforeNext / 1_000))
    })
    if (!timingSafeEqual(digest(given), expected)) throw refusal(401)
    await tries.reward(ip)
  }
}

/** Of one length, whatever was given: comparing takes as long, wherever a guess goes wrong. */
const digest = ({ user, password }: Credentials) =>
  createHash('sha256')
    .update(JSON.stringify([user, password]))
    .digest()

interface Refusal extends Error {
  readonly statusCode: number
  readonly retryAfterSeconds?: number
}

/** A refusal by its status; whatever is quoted of it is nothing. */
export const refusal = (statusCode: number, retryAfterSeconds?: number): Refusal =>
  Object.assign(new Error('not let in'), { statusCode, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) })

export const isRefusal = (error: unknown): error is Refusal =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
