import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { BodyOf, Endpoint, ReplyOf } from '@latchkey/contracts/endpoint'
import type { ErrorCode } from '@latchkey/contracts/errors'
import type { Operator } from '@latchkey/contracts/internal/admins'
import { request } from 'undici'
import { readGiven, type Variables } from '../env.js'
import { configExitCode, LaunchError } from '../launch-error.js'
import { dataDir, readablePath } from '../places.js'

/** What users refuses, in the words of the command that asked. */
export type Words = Partial<Record<ErrorCode, string>>

/** users, asked as the gateway asks it: by the internal secret of this installation. */
export interface UsersApi {
  /** Who runs this command, as the audit will name him. */
  readonly by: Operator
  /** Throws a LaunchError that says what to do. */
  call<E extends Endpoint>(endpoint: E, body: BodyOf<E>, words?: Words): Promise<ReplyOf<E>>
}

const answerWithinMs = 5_000

/** The installation that the environment and `.env` describe; where they name no secret, that of `npm start`. */
export function openUsersApi(): UsersApi {
  const given = readGiven(resolve('.env'), process.env)
  const url = given['USERS_URL'] ?? `http://127.0.0.1:${given['USERS_PORT'] ?? 3001}`
  const authorization = `Bearer ${internalSecret(given)}`
  return {
    by: { operator: systemUser() },
    async call({ method, path }, body, words = {}) {
      const answer = await request(url + path, {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        headersTimeout: answerWithinMs,
        bodyTimeout: answerWithinMs,
        reset: true,
      }).catch(() => undefined)
      if (answer === undefined)
        throw new LaunchError(`users does not answer at ${url}: start it, or name another address with USERS_URL`)
      const reply: unknown = await answer.body.json().catch(() => undefined)
      if (answer.statusCode >= 200 && answer.statusCode <= 299) return reply as never
      throw refusal(url, reply, words)
    },
  }
}

function refusal(url: string, reply: unknown, words: Words): LaunchError {
  const {
    code,
    detail,
    errors = [],
  } = (reply ?? {}) as {
    code?: ErrorCode
    detail?: string
    errors?: { path: string; message: string }[]
  }
  const said = code === undefined ? undefined : words[code]
  if (said !== undefined) return new LaunchError(said)
  // Everything else that asks users for what operators may do is let in by the secret alone.
  if (code === 'forbidden')
    return new LaunchError(`${url} does not take our internal secret: set INTERNAL_SECRET as its services have it`, {
      exitCode: configExitCode,
    })
  const wrong = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  return new LaunchError(`users refused: ${wrong || detail || 'it gave no reason'}`)
}

function internalSecret(given: Variables): string {
  const file = given['INTERNAL_SECRET_FILE']
  if (file !== undefined) return readFileSync(file, 'utf8').trim()
  const keys = join(dataDir(given['LATCHKEY_DATA_DIR']), 'keys.env')
  const secret =
    given['INTERNAL_SECRET'] ?? (existsSync(keys) ? parseEnv(readFileSync(keys, 'utf8')) : {})['INTERNAL_SECRET']
  if (secret !== undefined) return secret
  throw new LaunchError(
    `there is no INTERNAL_SECRET in the environment, in .env or in ${readablePath(keys)}: set that of your services`,
    { exitCode: configExitCode },
  )
}

/** Who runs a command, as the audit takes a name; a container may have no user of its number. */
export function systemUser(): string {
  try {
    const name = userInfo()
      .username.replace(/[^A-Za-z0-9._-]/g, '')
      .slice(0, 32)
    if (name !== '') return name
  } catch {
    // No entry in the list of users.
  }
  return `uid-${process.getuid?.() ?? 'unknown'}`
}
