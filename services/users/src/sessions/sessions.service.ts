import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { IssuedSession, listSessions, refreshSession } from '@latchkey/contracts/internal/users'
import { AppError, invalidField } from '@latchkey/kit/app-error'
import type { SignedTokens } from '@latchkey/kit/signed-token'
import type { FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { type Db, inBatches, type Trx, violates } from '../database.js'
import { type Changes, type People, type Person, usernameIndex } from '../people/people.service.js'
import { deviceName } from './device-name.js'
import type { Devices } from './devices.service.js'
import * as sessions from './sessions.repository.js'

/** What a call brought, and the program that brought it. */
export type WithAgent<B> = B & { readonly userAgent?: string | undefined }

/** The body of a call that may open a session, with the program behind it as the gateway passes it on. */
export const withAgent = <B extends object>({ body, request }: { body: B; request: FastifyRequest }): WithAgent<B> => ({
  ...body,
  userAgent: request.headers['user-agent'],
})

type Entry = WithAgent<{ person: Person; face: string; deviceToken: string | undefined }>

export interface Sessions {
  open(trx: Trx, entry: Entry): Promise<IssuedSession>
  /** The next token of a session; the same one again for 10 s after. An older token ends the session, a forged one nothing. */
  refresh(input: BodyOf<typeof refreshSession>): Promise<ReplyOf<typeof refreshSession>>
  /** Throws `token.invalid` where the session is not live. */
  person(sessionId: string): Promise<sessions.SignedIn>
  /** The account of a live session; it stays as it is until the transaction ends. */
  hold(trx: Trx, sessionId: string): Promise<Person | undefined>
  changePerson(sessionId: string, changes: Changes): Promise<Person>
  end(sessionId: string, scope: { all: boolean }): Promise<void>
  /** The live sessions of the account behind a live session, that one first, then those used last. */
  list(sessionId: string): Promise<ReplyOf<typeof listSessions>>
  /** Ends a session of the same account, and its device is known no more. Throws `not.found` for whatever is none of its live ones. */
  endOther(sessionId: string, otherId: string): Promise<void>
  /** Ends every session of an account, and no device is known, but for those that are to go on. The caller holds the account. */
  endAll(trx: Trx, userId: string, butFor?: string): Promise<void>
  /** Deletes sessions that have been over for a month; says how many. */
  sweep(): Promise<number>
}

interface SessionsNeeds {
  readonly db: Db
  readonly people: People
  readonly devices: Devices
  readonly tokens: SignedTokens
  readonly now: () => Date
  readonly log: Logger
}

const dayMs = 24 * 3_600_000
const idleMs = 14 * dayMs
const lifeMs = 30 * dayMs
const replayMs = 10_000
const keptMs = 30 * dayMs
const mostListed = 100

export function createSessions({ db, people, devices, tokens, now, log }: SessionsNeeds): Sessions {
  async function open(trx: Trx, { person, face, deviceToken, userAgent }: Entry): Promise<IssuedSession> {
    const at = now()
    const id = uuidv7()
    const device = await devices.register(trx, { userId: person.id, presented: deviceToken })
    await sessions.insertSession(trx, device, {
      id,
      user_id: person.id,
      device_id: device.id,
      face,
      device_name: deviceName(userAgent),
      token_key_id: tokens.keyId,
      rotated_at: null,
      created_at: at,
      idle_expires_at: new Date(at.getTime() + idleMs),
      expires_at: new Date(at.getTime() + lifeMs),
      revoked_at: null,
    })
    return { id, refreshToken: tokens.sign({ id, counter: 1 }), deviceToken: devices.token({ id: device.id }) }
  }

  async function refresh({ refreshToken, face }: BodyOf<typeof refreshSession>) {
    const named = tokens.open(refreshToken)
    if (named === undefined) throw new AppError('token.invalid')
    const at = now()
    const presented = { id: named.id, generation: named.counter, face, at }
    const rotated = await sessions.rotateSession(db, {
      ...presented,
      keyId: tokens.keyId,
      idleExpiresAt: new Date(at.getTime() + idleMs),
    })
    const session = rotated ?? (await replay(presented))
    return {
      userId: session.user_id,
      proved: session.proved,
      session: {
        id: session.id,
        refreshToken: tokens.sign({ id: session.id, counter: session.generation }, session.token_key_id),
        deviceToken: devices.token({ id: session.device_id, keyId: session.device_key_id }),
      },
    }
  }

  /** A token that is not the latest: a lost reply or a second tab within 10 s, else somebody has a copy. */
  async function replay({ generation, ...presented }: sessions.Presented) {
    const session = await sessions.findLiveSession(db, presented)
    if (session === undefined || generation >= session.generation) throw new AppError('token.invalid')
    const sinceMs = presented.at.getTime() - (session.rotated_at?.getTime() ?? 0)
    if (generation + 1 === session.generation && sinceMs <= replayMs) return session
    // Its own statement, so that the refusal below cannot roll it back.
    await sessions.revokeSession(db, session.id, presented.at)
    log.warn({ sessionId: session.id }, 'a spent refresh token came again; the session is ended')
    throw new AppError('token.invalid')
  }

  async function changePerson(sessionId: string, changes: Changes): Promise<Person> {
    people.check(changes)
    try {
      const changed = await db.transaction().execute(async (trx) => {
        const person = await sessions.lockLiveUser(trx, sessionId, now())
        return person === undefined ? undefined : people.change(trx, person, changes)
      })
      return orInvalid(changed)
    } catch (error) {
      if (violates(error, usernameIndex)) throw invalidField('/username', 'is taken; choose another one')
      throw error
    }
  }

  async function endAll(trx: Trx, userId: string, butFor?: string): Promise<void> {
    await sessions.revokeAll(trx, userId, { at: now(), butFor })
    await devices.forget(trx, userId, butFor)
  }

  async function end(sessionId: string, { all }: { all: boolean }): Promise<void> {
    const at = now()
    const ended = all
      ? await db.transaction().execute(async (trx) => {
          const person = await sessions.lockLiveUser(trx, sessionId, at)
          if (person !== undefined) await endAll(trx, person.id)
          return person !== undefined
        })
      : await sessions.endLiveSession(db, sessionId, at)
    if (!ended) throw new AppError('token.invalid')
  }

  async function list(sessionId: string) {
    const at = now()
    const person = orInvalid(await sessions.findLiveUser(db, sessionId, at))
    const rows = await sessions.findLiveSessions(db, { userId: person.id, first: sessionId, at, most: mostListed })
    return {
      sessions: rows.map(({ id, face, device_name, created_at, rotated_at }) => ({
        id,
        face,
        device: device_name,
        createdAt: created_at.toISOString(),
        lastUsedAt: (rotated_at ?? created_at).toISOString(),
        current: id === sessionId,
      })),
    }
  }

  async function endOther(sessionId: string, otherId: string): Promise<void> {
    const at = now()
    const person = orInvalid(await sessions.findLiveUser(db, sessionId, at))
    const ended = await db.transaction().execute(async (trx) => {
      const wasLive = await sessions.endLiveSession(trx, otherId, at, person.id)
      if (wasLive) await devices.forgetOf(trx, otherId)
      return wasLive
    })
    if (!ended) throw new AppError('not.found')
  }

  return {
    open,
    refresh,
    person: async (sessionId) => orInvalid(await sessions.findLiveUser(db, sessionId, now())),
    hold: (trx, sessionId) => sessions.lockLiveUser(trx, sessionId, now()),
    changePerson,
    end,
    list,
    endOther,
    endAll,
    async sweep() {
      const before = new Date(now().getTime() - keptMs)
      return inBatches((most) => sessions.deleteExpired(db, { before, most }))
    },
  }
}

function orInvalid<P extends Person>(person: P | undefined): P {
  if (person === undefined) throw new AppError('token.invalid')
  return person
}
