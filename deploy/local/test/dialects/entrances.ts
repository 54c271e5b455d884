import type { Answer } from '../journey/journey.js'
import { faces } from './faces/faces.js'
import { begin } from './scene.js'
import type { Client, Person } from './world.js'

// Every way to an account, /v1 among them, up to the code and past it.

/** An account that was asked for, and waits for the code that went to the phone. */
export interface Begun {
  /** What registering gave, or a log-in before the proof, where a face has that. */
  readonly token?: string
  readonly refresh?: string
  /** Answers the code; a password that could not be told before is set. */
  prove(code: string): Promise<Answer>
  /** Whether the token opens what it is for. */
  opens(): Promise<Answer | undefined>
}

export interface Entrance {
  readonly name: string
  begin(by: Client, who: Person): Promise<Begun>
}

const v1: Entrance = {
  name: 'v1',
  async begin(by, { phone, email, username, password }) {
    const { body } = await by.call('POST', '/v1/signup', { phone, email, username, password })
    return {
      prove: (code) => by.call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code }),
      opens: async () => undefined,
    }
  },
}

const ofFaces = faces.map(
  (face): Entrance => ({
    name: face.name,
    async begin(by, who) {
      const registered = await begin({ face }, by, who)
      const logsInBefore = face.name === 'careops'
      const token = face.tokenIn(registered) ?? (logsInBefore ? face.tokenIn(await face.logIn(by, who)) : undefined)
      const refresh = registered.body.tokens?.refresh as string | undefined
      return {
        ...(token !== undefined && { token }),
        ...(refresh !== undefined && { refresh }),
        async prove(code) {
          const proved = await face.verify(by, who, code)
          if (face.name === 'staged' && proved.status === 200)
            await by.call('POST', '/staged/api/auth/change-password', { newPassword: who.password }, { token })
          return proved
        },
        opens: async () => (token === undefined ? undefined : face.opens?.(by, token)),
      }
    },
  }),
)

/** All of them. */
export const entrances: readonly Entrance[] = [v1, ...ofFaces]
