import type { BodyOf, Endpoint } from '@latchkey/contracts/endpoint'
import type { ErrorCode } from '@latchkey/contracts/errors'
import * as admins from '@latchkey/contracts/internal/admins'
import * as changes from '@latchkey/contracts/internal/account-changes'
import { findPhone } from '@latchkey/contracts/internal/owners'
import * as switches from '@latchkey/contracts/internal/switches'
import * as registrations from '@latchkey/contracts/internal/registrations'
import { readConversion } from '@latchkey/contracts/internal/conversion'
import { readTrace } from '@latchkey/contracts/internal/traces'
import * as internal from '@latchkey/contracts/internal/users'
import { AppError } from '@latchkey/kit/app-error'
import type { Check } from '@latchkey/kit/ops'
import { isTracing, traceHeaders } from '@latchkey/kit/tracing'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { Compile } from 'typebox/compile'
import type { Caller, Users } from './flows/ports.js'
import { createLine, type Line } from './users-line.js'

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
  readonly log: Logger
  readonly metrics: Registry
}

/** A look-up that goes through to the database and finds nothing. */
const nobodysMessage = '00000000-0000-0000-0000-000000000000'

const isRefusal = Compile(internal.Refusal)

/**
 * users over HTTP, by its contract. An answer outside the contract is `unavailable`, like no answer. Calls that hash a password
 * wait for each other on a line of their own: no queue of theirs delays or refuses anything else.
 */
export function createUsersClient({ url, secret, timeoutMs, log, metrics }: UsersClientOptions): UsersClient {
  const away = new Gauge({
    name: 'latchkey_users_away',
    help: '1 while calls are kept away from users because it does not answer, by the kind of calls',
    labelNames: ['calls'],
    registers: [metrics],
  })
  const authorization = `Bearer ${secret}`
  const traced = isTracing()
  const both = { url, timeoutMs, log, away, connections: 64 }
  const quick = createLine({ ...both, calls: 'quick', waiting: 1_024 })
  const hashing = createLine({ ...both, calls: 'hashing', waiting: 256 })

  function ask<E extends Endpoint>(endpoint: E, line: Line) {
    const { method } = endpoint
    const path = pathOf(endpoint)
    const readers = new Map(
      Object.entries(endpoint.replies).map(([status, schema]) => [Number(status), Compile(schema)]),
    )
    return (params: Readonly<Record<string, string>>, body: unknown, caller: Caller): Promise<never> =>
      line.call(async (pool, signal) => {
        const answer = await pool.request({
          method,
          path: path(params),
          headers: headersOf(caller, body),
          body: body === undefined ? null : JSON.stringify(body),
          signal,
        })
        const text = await answer.body.text()
        const reply: unknown = text === '' ? null : JSON.parse(text)
        const reader = readers.get(answer.statusCode)
        if (reader === undefined) throw refusal(endpoint, reply)
        if (!reader.Check(reply)) throw outsideContract(endpoint)
        return reply as never
      })
  }

  const headersOf = ({ requestId, userAgent }: Caller, body: unknown) => ({
    authorization,
    'x-request-id': requestId,
    ...(traced && traceHeaders()),
    ...(userAgent !== undefined && { 'user-agent': userAgent }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  })

  const about = <E extends Endpoint>(endpoint: E) => ask(endpoint, quick)
  const plain = <E extends Endpoint>(endpoint: E, line = quick) => {
    const call = ask(endpoint, line)
    return (body: BodyOf<E>, caller: Caller): Promise<never> => call({}, body, caller)
  }
  const getDelivery = about(internal.getDelivery)
  const prepare = { quick: plain(internal.prepareSignUp), hashing: plain(internal.prepareSignUp, hashing) }
  const register = { quick: plain(registrations.register), hashing: plain(registrations.register, hashing) }
  const signInWithPhone = {
    quick: plain(internal.signInWithPhone),
    hashing: plain(internal.signInWithPhone, hashing),
  }
  const shown = {
    quick: { preparePhoneChange: about(changes.preparePhoneChange), deleteAccount: about(changes.deleteAccount) },
    hashing: {
      preparePhoneChange: ask(changes.preparePhoneChange, hashing),
      deleteAccount: ask(changes.deleteAccount, hashing),
    },
  }
  const lineFor = ({ password }: { readonly password?: string | null | undefined }) =>
    password === null || password === undefined ? 'quick' : 'hashing'
  return {
    prepareSignUp: (body, caller) => prepare[lineFor(body)](body, caller),
    completeSignUp: plain(internal.completeSignUp),
    signInWithPassword: plain(internal.signInWithPassword, hashing),
    signInWithPhone: (body, caller) => signInWithPhone[lineFor(body)](body, caller),
    giveResetToken: plain(internal.giveResetToken),
    findPhone: plain(findPhone),
    register: (body, caller) => register[lineFor(body)](body, caller),
    findRegistration: plain(registrations.findRegistration),
    proveRegistration: plain(registrations.proveRegistration),
    dropRegistration: about(registrations.dropRegistration),
    resetPassword: plain(internal.resetPassword, hashing),
    changePassword: ask(internal.changePassword, hashing),
    refreshSession: plain(internal.refreshSession),
    endSession: about(internal.endSession),
    listSessions: about(internal.listSessions),
    endOtherSession: about(internal.endOtherSession),
    getSessionUser: about(internal.getSessionUser),
    patchSessionUser: about(internal.patchSessionUser),
    preparePhoneChange: (params, body, caller) => shown[lineFor(body)].preparePhoneChange(params, body, caller),
    checkPhoneChange: plain(changes.checkPhoneChange),
    changePhone: plain(changes.changePhone),
    checkEmailChange: plain(changes.checkEmailChange),
    changeEmail: plain(changes.changeEmail),
    undoPhoneChange: plain(changes.undoPhoneChange),
    setSecondFactor: ask(changes.setSecondFactor, hashing),
    signInWithSecondFactor: plain(changes.signInWithSecondFactor),
    deleteAccount: (params, body, caller) => shown[lineFor(body)].deleteAccount(params, body, caller),
    getDelivery,
    readAudit: plain(admins.readAudit),
    readSwitchboard: plain(switches.readSwitchboard),
    previewSwitch: plain(switches.previewSwitch),
    putSwitch: plain(switches.putSwitch),
    resumeSwitch: plain(switches.resumeSwitch),
    readTrace: plain(readTrace),
    readConversion: plain(readConversion),
    check: () =>
      getDelivery({ messageId: nobodysMessage }, undefined, { requestId: 'ready', face: 'v1', locale: 'en' }).then(
        () => undefined,
        () => 'users does not answer',
      ),
    close: async () => void (await Promise.all([quick.close(), hashing.close()])),
  }
}

/** The path of an endpoint with its parameters in place. */
function pathOf({ path }: Endpoint): (params: Readonly<Record<string, string>>) => string {
  if (!path.includes(':')) return () => path
  return (params) => path.replace(/:(\w+)/g, (_all, name: string) => encodeURIComponent(params[name] ?? ''))
}

/**
 * A refusal the endpoint declares is passed on as it is; any other that users wrote is ours to fix, and `unavailable` to the
 * caller. Either way users answered: one poisoned request that fails within it keeps nobody else away.
 */
function refusal(endpoint: Endpoint, reply: unknown): Error {
  if (!isRefusal.Check(reply)) return outsideContract(endpoint)
  const { code, detail, attemptsLeft, retryAt, reasons, errors, effect = 'unknown' } = reply
  if (code === 'unavailable') return new AppError('unavailable', { effect })
  if (!endpoint.fails.includes(code as ErrorCode))
    return new AppError('unavailable', { cause: outsideContract(endpoint), effect: 'unknown' })
  return new AppError(code as ErrorCode, {
    detail,
    ...(attemptsLeft !== undefined && { attemptsLeft }),
    ...(retryAt !== undefined && { retryAt: new Date(retryAt) }),
    ...(reasons !== undefined && { reasons }),
    ...(errors !== undefined && { errors }),
  })
}

const outsideContract = ({ method, path }: Endpoint): Error =>
  new Error(`users answered ${method} ${path} outside its contract`)
