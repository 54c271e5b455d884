import type { User } from '@latchkey/contracts/v1/shapes'
import { invalidField } from '@latchkey/kit/app-error'
import type { ReadPhone } from '../phones/canonical-phone.js'
import { checkStorable, readEmail, readUsername } from './accounts.js'
import { addressOfPhone, addressOfEmail } from './addresses.js'
import type { FacePolicy } from './policy.js'
import type { FaceCaller, RefuseStopped, Users } from './ports.js'
import type { OpenSession } from './session.js'
import type { StartChallenge } from './start-challenge.js'
import type { TellConflict } from './tell-conflict.js'
import type { WithinBudget } from './within-budget.js'

export interface RegisterDeps {
  readonly users: Pick<Users, 'register' | 'dropRegistration'>
  readonly tellConflict: TellConflict
  readonly withinBudget: WithinBudget
  readonly refuseStopped: RefuseStopped
  readonly startChallenge: StartChallenge
  readonly readPhone: ReadPhone
  /** Roles a stranger may give himself; the first is the default. */
  readonly roles: readonly string[]
  /** False where no carrier is configured: accounts come into being all the same. */
  readonly canSend: boolean
}

export interface Registration {
  /** International spelling; null where the face takes accounts without one. */
  readonly phone: string | null
  readonly email: string
  readonly username?: string
  readonly password: string | null
  readonly name: string | null
  readonly role?: string
  readonly profile?: Record<string, unknown>
}

export interface Registered {
  readonly user: User
  readonly session: OpenSession
  /** What became of the code: `skipped` inside a cooldown, without a carrier, or where nothing was to be sent. */
  readonly sms: 'queued' | 'skipped'
}

/** `foundBy` is what a later verify names; null where the face sends no code at registering. */
export type Register = (
  input: Registration,
  caller: FaceCaller,
  policy: FacePolicy,
  foundBy: 'phone' | 'email' | null,
) => Promise<Registered>

/**
 * Creates an account that claims a phone until somebody proves it, and sends the code. Throws `request.invalid`,
 * `password.weak`, `account.exists` (with the fields in `errors`), `rate.limited`, `unavailable`.
 */
export function createRegister({
  users,
  tellConflict,
  withinBudget,
  refuseStopped,
  startChallenge,
  readPhone,
  roles,
  canSend,
}: RegisterDeps): Register {
  return async function register(input, caller, policy, foundBy) {
    const phone = input.phone === null ? null : readPhone(input.phone)
    const email = readEmail(input.email)
    const username = input.username === undefined ? null : readUsername(input.username)
    const role = input.role ?? roles[0] ?? 'user'
    if (!roles.includes(role)) throw invalidField('/role', `must be one of ${roles.join(', ')}`)
    checkStorable('/name', input.name)
    checkStorable('/profile', input.profile)

    const sends = phone !== null && foundBy !== null && canSend
    if (sends) await refuseStopped({ purposes: ['sign_up'], country: phone.country })
    const claim = {
      face: caller.face,
      client: caller.client.key,
      phone: phone?.e164 ?? null,
      email,
      username,
      password: input.password,
      rules: policy.passwordRules,
      name: input.name,
      role,
      profile: input.profile ?? {},
      hideConflicts: policy.hideConflicts,
      phoneOptional: policy.phoneOptional === true,
    }
    const make = () => users.register(claim, caller)
    const create = async () => {
      const { user, session, taken } = await (policy.hideConflicts
        ? make()
        : tellConflict(caller, 'account.exists', make))
      return { registered: { user, session: { ...session, userId: user.id } }, taken }
    }
    if (phone === null || foundBy === null || !canSend) return { ...(await create()).registered, sms: 'skipped' }
    return withinBudget.first({ phone }, caller, async (judged) => {
      const { registered, taken } = await create()
      const { id: registrationId } = registered.user
      const address = foundBy === 'phone' ? addressOfPhone : addressOfEmail
      const challenge = await startChallenge(
        {
          purpose: 'sign_up',
          policy,
          phone,
          identifier: phone.e164,
          says: taken ? 'account_exists' : 'code',
          addressShown: true,
          judged,
          pending: { registrationId },
          found: {
            address: address(caller.face, 'sign_up', foundBy === 'phone' ? phone.e164 : email),
            client: caller.client,
            registrationId,
          },
          mayStayUnsent: true,
        },
        caller,
      ).catch(async (error: unknown) => {
        // Its caller is told that nothing came of it.
        await users.dropRegistration({ registrationId }, undefined, caller).catch(() => undefined)
        throw error
      })
      return { ...registered, sms: challenge.sent ? 'queued' : 'skipped' }
    })
  }
}
