import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import { audit } from './audit.js'
import { conversion } from './conversion.js'
import { face } from './face.js'
import { messages } from './messages.js'
import { switches } from './switches.js'

/** What operators may do. That the account behind the token is an admin's is asked of users, by each call in the call itself. */
export const admin: FastifyPluginAsync<{ flows: Flows }> = async (app, { flows }) => {
  // Once it is counted for its address, and before anything else of a request is looked at: who has no token learns nothing, not even
  // what he misspelt.
  app.addHook('preParsing', async (request) => void (await request.accessClaims(face)))
  await app.register(audit, { flows })
  await app.register(conversion, { flows })
  await app.register(messages, { flows })
  await app.register(switches, { flows })
}
