import { Type, type Static, type TSchema } from 'typebox'
import type { ErrorCode } from './errors.js'

/** One HTTP operation, described once: the server mounts it, clients call it, OpenAPI prints it. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** In Fastify's spelling (`/challenges/:id`). */
  readonly path: `/${string}`
  readonly summary: string
  /** Needs an access token in `Authorization: Bearer`. */
  readonly bearer?: true
  readonly params?: TSchema
  readonly query?: TSchema
  readonly body?: TSchema
  /** Success by status. 204 has no body: `Type.Null()`. */
  readonly replies: { readonly [status: number]: TSchema }
  readonly fails: readonly ErrorCode[]
}

/** Keep the exact types of a description. */
export const endpoint = <const E extends Endpoint>(description: E): E => description

export type BodyOf<E extends Endpoint> = E['body'] extends TSchema ? Static<E['body']> : undefined
export type ParamsOf<E extends Endpoint> = E['params'] extends TSchema ? Static<E['params']> : undefined
export type QueryOf<E extends Endpoint> = E['query'] extends TSchema ? Static<E['query']> : undefined
export type ReplyOf<E extends Endpoint, S extends keyof E['replies'] = keyof E['replies']> = {
  [K in S]: E['replies'][K] extends TSchema ? Static<E['replies'][K]> : never
}[S]

/** RFC 9457 problem document, as every /v1 and internal failure is written. */
export const Problem = Type.Object({
  type: Type.String({ format: 'uri-reference' }),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  attemptsLeft: Type.Optional(Type.Integer({ minimum: 0 })),
  retryAt: Type.Optional(Type.String({ format: 'date-time' })),
  reasons: Type.Optional(Type.Array(Type.String())),
  errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
})
export type Problem = Static<typeof Problem>
