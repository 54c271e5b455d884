import type { Session } from '@latchkey/contracts/v1/shapes'
import type { FastifyInstance } from 'fastify'
import type { OpenSession } from '../../flows/session.js'
import { face } from './face.js'

/** A session as /v1 writes it, with a new access token. */
export function wireSession(app: FastifyInstance, session: OpenSession): Session {
  const { id, refreshToken, deviceToken } = session
  const { accessToken, expiresIn } = app.issueAccessToken(session, face)
  return { id, accessToken, expiresIn, tokenType: 'Bearer', refreshToken, deviceToken }
}
