import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import type { Refusal } from '@latchkey/contracts/internal/users'
import { AppError } from '@latchkey/kit/app-error'
import { createHttp } from '@latchkey/kit/http'
import { traceRequests } from '@latchkey/kit/tracing'
import { problemVoice, toProblem } from '@latchkey/kit/voice'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { mountAdmins } from './admins/admins.routes.js'
import type { Admins } from './admins/admins.service.js'
import { mountAudit } from './audit/audit.routes.js'
import type { Audit } from './audit/audit.service.js'
import { mountChallenges } from './challenges/challenges.routes.js'
import type { Challenges } from './challenges/challenges.service.js'
import type { Account } from './credentials/account.service.js'
import { mountConversion } from './conversion/conversion.routes.js'
import type { Conversions } from './conversion/conversion.service.js'
import { mountCredentials } from './credentials/credentials.routes.js'
import type { Credentials } from './credentials/credentials.service.js'
import type { Passwords } from './credentials/passwords.service.js'
import { mountDeliveries } from './deliveries/deliveries.routes.js'
import type { Deliveries } from './deliveries/deliveries.service.js'
import type { OptOuts } from './opt-outs/opt-outs.service.js'
import { mountOwnData } from './own-data/own-data.routes.js'
import type { OwnDataRequests } from './own-data/own-data.service.js'
import { mountPeople } from './people/people.routes.js'
import type { People } from './people/people.service.js'
import type { AddressUndos } from './phone-changes/address-undos.js'
import type { EmailChanges } from './phone-changes/email-changes.service.js'
import { mountAddressChanges } from './phone-changes/phone-changes.routes.js'
import type { PhoneChanges } from './phone-changes/phone-changes.service.js'
import { mountRegistrations } from './registrations/registrations.routes.js'
import type { Registrations } from './registrations/registrations.service.js'
import type { Devices } from './sessions/devices.service.js'
import { mountSessions } from './sessions/sessions.routes.js'
import type { Sessions } from './sessions/sessions.service.js'
import { mountSwitchboard } from './switchboard/switches.routes.js'
import type { Switchboard } from './switchboard/switches.service.js'
import { mountTraces } from './traces/traces.routes.js'
import type { Traces } from './traces/traces.service.js'

export interface Services {
  readonly people: People
  readonly registrations: Registrations
  readonly credentials: Credentials
  readonly passwords: Passwords
  readonly account: Account
  readonly phoneChanges: PhoneChanges
  readonly emailChanges: EmailChanges
  readonly addressUndos: AddressUndos
  readonly sessions: Sessions
  readonly devices: Devices
  readonly challenges: Challenges
  readonly deliveries: Deliveries
  readonly optOuts: OptOuts
  readonly audit: Audit
  readonly admins: Admins
  readonly switchboard: Switchboard
  readonly traces: Traces
  readonly conversions: Conversions
  readonly ownData: OwnDataRequests
}

interface AppOptions {
  readonly internalSecret: string
  readonly log: Logger
  readonly metrics: Registry
}

/** The whole internal face. Reads no environment, opens no socket: what it needs is handed in. */
export function buildApp(services: Services, { internalSecret, log, metrics }: AppOptions): FastifyInstance {
  // The gateway answers its own caller within 2 s.
  const app = createHttp({ log, metrics, requestId, answerWithinMs: 1_700 })
  // Only the gateway is let in.
  traceRequests(app, { believes: true })
  app.speak('', problemVoice(describe))
  admitGatewayOnly(app, internalSecret)
  mountPeople(app, services.people, services.devices)
  mountRegistrations(app, services.registrations)
  mountCredentials(app, services)
  mountAddressChanges(app, services)
  mountChallenges(app, services.challenges)
  mountSessions(app, services.sessions)
  mountDeliveries(app, services.deliveries)
  mountAdmins(app, services.admins)
  mountAudit(app, services.audit, services.admins)
  mountSwitchboard(app, services.switchboard, services.admins)
  mountTraces(app, services.traces, services.admins)
  mountConversion(app, services.conversions, services.admins)
  mountOwnData(app, services.ownData)
  return app
}

/** The gateway has to know whether it may give a code back. */
const describe = (error: AppError): Refusal => ({ ...toProblem(error), effect: error.effect })

function requestId({ headers }: { headers: NodeJS.Dict<string | string[]> }): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(given) ? given : randomUUID()
}

function admitGatewayOnly(app: FastifyInstance, secret: string): void {
  // Hashed, because timingSafeEqual wants equal lengths and the length is nobody's business either.
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = digest(`Bearer ${secret}`)
  app.addHook('onRequest', async ({ headers }) => {
    // Not `token.invalid`: the gateway would pass it on, and a secret half rotated would log everybody out.
    if (!timingSafeEqual(digest(headers.authorization ?? ''), expected)) throw new AppError('forbidden')
  })
}
