import { type ErrorCode, errors, errorType } from '@latchkey/contracts/errors'
import { Problem } from '@latchkey/contracts/endpoint'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import type { AppError } from './app-error.js'

/** What one kind of refusal looks like: its status, and its body with the schema that documents it. */
export interface Wording {
  readonly status: number
  readonly schema: TSchema
  readonly body: (error: AppError, request: FastifyRequest) => unknown
}

/** How a part of an app words every refusal: its own, Fastify's and the plugins'. */
export interface Voice {
  readonly contentType: string
  readonly wordings: Readonly<Record<ErrorCode, Wording>>
}

/** The problem document of an error (RFC 9457). */
export function toProblem({ code, members }: AppError): Problem {
  const { status, title, detail } = errors[code]
  return {
    type: errorType(code),
    title,
    status,
    code,
    detail: members.detail ?? detail,
    ...(members.attemptsLeft !== undefined && { attemptsLeft: members.attemptsLeft }),
    ...(members.retryAt !== undefined && { retryAt: members.retryAt.toISOString() }),
    ...(members.reasons !== undefined && { reasons: [...members.reasons] }),
    ...(members.errors !== undefined && { errors: [...members.errors] }),
  }
}

/** Problem documents with the statuses of the catalogue, as `describe` writes them. */
export const problemVoice = (describe: (error: AppError) => Problem): Voice => ({
  contentType: 'application/problem+json; charset=utf-8',
  wordings: Object.fromEntries(
    Object.entries(errors).map(([code, { status }]) => [code, { status, schema: Problem, body: describe }]),
  ) as unknown as Voice['wordings'],
})

/** The voice of an app where no part of it speaks otherwise. */
export const problems: Voice = problemVoice(toProblem)

/** The voices of an app by path: the longest prefix speaks, `problems` where there is none. */
export function createVoices() {
  const parts: { prefix: string; voice: Voice }[] = []

  function at(url: string): Voice {
    const path = url.split('?', 1)[0] ?? ''
    return parts.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`))?.voice ?? problems
  }
  return {
    at,
    /** Of the route that was met, however its path was spelled; else of the path that was asked for. */
    of: ({ routeOptions, url }: FastifyRequest) => at(routeOptions.url ?? url),
    add(prefix: string, voice: Voice) {
      parts.push({ prefix, voice })
      parts.sort((a, b) => b.prefix.length - a.prefix.length)
    },
  }
}

/** Where a face answers 429 for what no moment ends by itself (a code that took too many answers): when asking for another makes sense at the latest. */
const lookAgainSeconds = 60

/** Answers with a refusal in some wording, writes it down, and says `Retry-After` where waiting helps. */
export function refuse(
  error: AppError,
  { status, body }: Wording,
  { contentType }: Pick<Voice, 'contentType'>,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): FastifyReply {
  const { retryAt } = error.members
  // Whoever knows until when meant it.
  if (error.statusCode >= 500 && retryAt === undefined)
    request.log.error({ err: error.cause ?? error, refused: error.code }, 'request failed')
  else request.log.info({ refused: error.code }, 'request refused')
  if (error.code === 'token.invalid') reply.header('www-authenticate', 'Bearer')
  if (retryAt !== undefined) reply.header('retry-after', String(secondsUntil(retryAt)))
  else if (status === 503) reply.header('retry-after', '1')
  else if (status === 429) reply.header('retry-after', String(lookAgainSeconds))
  return reply
    .code(status)
    .type(contentType)
    .send(JSON.stringify(body(error, request)))
}

/** Whole seconds that are left, one at least: what `Retry-After` says. */
export const secondsUntil = (time: Date): number => Math.max(1, Math.ceil((time.getTime() - Date.now()) / 1_000))

/** What is wrong with a field, for people: a regular expression tells them nothing. */
export function inWords(message: string): string {
  if (message === 'must match pattern "\\S"' || message.startsWith('must NOT have fewer than 1 '))
    return 'must not be empty'
  return message.startsWith('must match pattern') ? 'is not in the form that is asked for' : message
}
