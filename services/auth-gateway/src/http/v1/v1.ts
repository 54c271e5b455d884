import type { FastifyPluginAsync } from 'fastify'
import type { Flows } from '../../flows/flows.js'
import type { ChallengePolicy } from '../../flows/policy.js'
import { account } from './account.js'
import { challenges } from './challenges.js'
import { login } from './login.js'
import { me } from './me.js'
import { password } from './password.js'
import { session } from './session.js'
import { signUp } from './sign-up.js'

/** What the OpenAPI document of this face says of it. */
export const about = {
  title: 'Latchkey',
  description:
    'Phone-verified sign-in. Failures are problem documents (RFC 9457); each `type` leads to its explanation.',
  tags: [
    { name: 'sign up and log in', description: 'Calls that lead to a session' },
    { name: 'challenges', description: 'Codes we sent and wait for' },
    { name: 'session', description: 'Keep a session, end it' },
    { name: 'me', description: 'The signed-in person' },
    {
      name: 'operators',
      description: 'For accounts with the role `admin`, which operators give; each act is in the audit',
    },
  ],
}

/** The canonical face. */
export const v1: FastifyPluginAsync<{ flows: Flows; policy: ChallengePolicy }> = async (app, { flows, policy }) => {
  await app.register(signUp, { flows, policy })
  await app.register(login, { flows, policy })
  await app.register(challenges, { flows, policy })
  await app.register(password, { flows })
  await app.register(session, { flows })
  await app.register(me, { flows })
  await app.register(account, { flows, policy })
}
