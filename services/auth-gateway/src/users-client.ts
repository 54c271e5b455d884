import type { Endpoint } from '@latchkey/contracts/endpoint'
import { Problem } from '@latchkey/contracts/endpoint'
import type { ErrorCode } from '@latchkey/contracts/errors'
import * as registrations from '@latchkey/contracts/internal/registrations'
import * as internal from '@latchkey/contracts/internal/users'
import { AppError } from '@latchkey/kit/app-error'
import type { Check } from '@latchkey/kit/ops'
import { Compile } from 'typebox/compile'
import { Pool } from 'undici'
import type { Caller, Users } from './flows/ports.js'

export interface UsersClient extends Users {
  /** Whether users and its database answer. */
  readonly check: Check
  close(): Promise<void>
}

interface UsersClientOptions {
  readonly url: string
  readonly secret: string
  /** From the call to the last byte of the answer. */
  readonly timeoutMs: number
}

/** Nothing was written: the call had no effect. Anything later may have had one. */
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

/** A look-up that goes through to the database and finds nothing. */
const nobodysMessage = '00000000-0000-0000-0000-000000000000'

const isProblem = Compile(Problem)

/** users over HTTP, by its contract, on kept-alive connections. An answer outside the contract is `unavailable`, like no answer. */
export function createUsersClient({ url, secret, timeoutMs }: UsersClientOptions): UsersClient {
  const pool = new Pool(url, { connections: 64, connect: { timeout: 1_000 }, keepAliveTimeout: 30_000 })

  function ask<E extends Endpoint>(endpoint: E) {
    const readers = new Map(
      Object.entries(endpoint.replies).map(([status, schema]) => [Number(status), Compile(schema)]),
    )
    return async (params: Readonly<Record<string, string>>, body: unknown, caller: Caller): Promise<never> => {
      const { status, reply } = await send(endpoint, params, body, caller)
      const reader = readers.get(status)
      if (reader === undefined) throw refusal(endpoint, reply)
      if (!reader.Check(reply)) throw unreadable(endpoint)
      return reply as never
    }
  }

  async function send(
    endpoint: Endpoint,
    params: Readonly<Record<string, string>>,
    body: unknown,
    caller: Caller,
  ): Promise<{ status: number; reply: unknown }> {
    const path = endpoint.path.replace(/:(\w+)/g, (_all, name: string) => encodeURIComponent(params[name] ?? ''))
    try {
      const { statusCode, body: answer } = await pool.request({
        method: endpoint.method,
        path,
        headers: {
          authorization: `Bearer ${secret}`,
          'x-request-id': caller.requestId,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const text = await answer.text()
      return { status: statusCode, reply: text === '' ? null : JSON.parse(text) }
    } catch (cause) {
      const code = (cause as { code?: unknown }).code
      throw new AppError('unavailable', {
        cause,
        effect: typeof code === 'string' && neverSent.has(code) ? 'none' : 'unknown',
      })
    }
  }

  const about = <E extends Endpoint>(endpoint: E) => ask(endpoint)
  const plain = <E extends Endpoint>(endpoint: E) => {
    const call = ask(endpoint)
    return (body: unknown, caller: Caller): Promise<never> => call({}, body, caller)
  }
  const getDelivery = about(internal.getDelivery)
  return {
    prepareSignUp: plain(internal.prepareSignUp),
    completeSignUp: plain(internal.completeSignUp),
    signInWithPassword: plain(internal.signInWithPassword),
    signInWithPhone: plain(internal.signInWithPhone),
    giveResetToken: plain(internal.giveResetToken),
    findPhone: plain(internal.findPhone),
    register: plain(registrations.register),
    findRegistration: plain(registrations.findRegistration),
    proveRegistration: plain(registrations.proveRegistration),
    dropRegistration: about(registrations.dropRegistration),
    resetPassword: plain(internal.resetPassword),
    changePassword: about(internal.changePassword),
    refreshSession: plain(internal.refreshSession),
    endSession: about(internal.endSession),
    getSessionUser: about(internal.getSessionUser),
    patchSessionUser: about(internal.patchSessionUser),
    getDelivery,
    check: () =>
      getDelivery({ messageId: nobodysMessage }, undefined, { requestId: 'ready', face: 'v1', locale: 'en' }).then(
        () => undefined,
        () => 'users does not answer',
      ),
    close: () => pool.close(),
  }
}

/** A refusal the endpoint declares is passed on as it is; any other is ours to fix, and `unavailable` to the caller. */
function refusal(endpoint: Endpoint, reply: unknown): AppError {
  if (!isProblem.Check(reply) || !endpoint.fails.includes(reply.code as ErrorCode)) return unreadable(endpoint)
  const { code, detail, attemptsLeft, retryAt, reasons, errors } = reply
  // users says 503 when its database did not answer in time: the transaction may have committed.
  if (code === 'unavailable') return new AppError('unavailable', { effect: 'unknown' })
  return new AppError(code as ErrorCode, {
    detail,
    ...(attemptsLeft !== undefined && { attemptsLeft }),
    ...(retryAt !== undefined && { retryAt: new Date(retryAt) }),
    ...(reasons !== undefined && { reasons }),
    ...(errors !== undefined && { errors }),
  })
}

const unreadable = (endpoint: Endpoint): AppError =>
  new AppError('unavailable', {
    cause: new Error(`users answered ${endpoint.method} ${endpoint.path} outside its contract`),
    effect: 'unknown',
  })
