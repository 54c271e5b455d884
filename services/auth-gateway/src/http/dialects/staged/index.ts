import type { User } from '@latchkey/contracts/v1/shapes'
import { invalidField } from '@latchkey/kit/app-error'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { FaceOptions } from '../../../flows/face.js'
import type { OpenSession } from '../../../flows/session.js'
import { changePasswordWords, createResendWords, createVoice } from './errors.js'
import { policy } from './policy.js'
import { changePassword, login, register, resendPhoneCode, verifyPhone } from './schemas.js'

/** Phone → code → password: an account exists from register, its password is set after the proof. */
export const staged = { title: 'Staged phone verification', policy, createVoice, routes }

async function routes(app: FastifyInstance, { face, flows, policy, callingCode }: FaceOptions): Promise<void> {
  const international = (phoneNumber: string) => withCallingCode(phoneNumber, callingCode)
  const tokenFor = (user: User, session: OpenSession) =>
    app.issueAccessToken(session, face, {
      lifeSeconds: policy.accessTokenSeconds,
      ...(!user.phoneVerified && { scope: 'change-password' }),
    }).accessToken

  mount(
    app,
    register,
    async ({ body: { username, email, phoneNumber }, request }) => {
      const person = { username, email, phone: international(phoneNumber), password: null, name: null }
      const { user, session } = await flows.register(person, await request.faceCaller(face), policy, 'phone')
      const message = 'User registered successfully. Please verify your phone number.'
      return { status: 201, body: { message, token: tokenFor(user, session), user: shown(user) } }
    },
    app.sendLimit,
  )

  mount(app, verifyPhone, async ({ body: { phoneNumber, code }, request }) => {
    const answer = { to: { phone: international(phoneNumber) }, purpose: 'sign_up', code } as const
    const { user } = await flows.answerSent(answer, await request.faceCaller(face), policy)
    return { status: 200, body: { message: 'Phone number verified successfully', user: shown(user) } }
  })

  mount(
    app,
    resendPhoneCode,
    async ({ body: { phoneNumber }, request }) => {
      const rules = { purpose: 'sign_up', signsIn: false } as const
      await flows.sendByAddress({ phone: international(phoneNumber) }, await request.faceCaller(face), policy, rules)
      const [cooldown = 0] = policy.cooldownsSeconds
      return { status: 200, body: { message: 'Verification code sent', cooldown } }
    },
    { ...app.sendLimit, words: createResendWords(policy) },
  )

  mount(
    app,
    changePassword,
    async ({ body, request }) => {
      const rules = { rules: policy.passwordRules, freshWithinSeconds: null }
      await flows.changePassword(body, await request.signedIn(face), rules)
      return { status: 200, body: { message: 'Password changed successfully' } }
    },
    { words: changePasswordWords },
  )

  mount(app, login, async ({ body: { username, email, phoneNumber, password }, request }) => {
    const phone = phoneNumber === undefined ? undefined : international(phoneNumber)
    const [identifier, another] = [username, email, phone].filter((given) => given !== undefined)
    if (identifier === undefined || another !== undefined)
      throw invalidField('/username', 'or email or phoneNumber is required, and only one of them')
    const caller = await request.faceCaller(face)
    const { user, session } = await flows.signInWithAccount({ identifier, password }, caller, policy)
    return { status: 200, body: { message: 'Login successful', token: tokenFor(user, session), user: shown(user) } }
  })
}

/** A number without a country code is one of the configured country. A leading zero stays: whether it belongs to the number differs by country. */
function withCallingCode(phoneNumber: string, callingCode: string): string {
  const typed = phoneNumber.trim()
  return /^(?:\+|00)/.test(typed) ? typed : `+${callingCode}${typed}`
}

const shown = ({ number, username, email, phone, phoneVerified, role, createdAt, updatedAt }: User) => ({
  id: number,
  username,
  email,
  phoneNumber: phone,
  isPhoneVerified: phoneVerified,
  role,
  createdAt,
  updatedAt,
})
