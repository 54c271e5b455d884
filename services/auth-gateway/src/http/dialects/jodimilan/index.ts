import type { User } from '@latchkey/contracts/v1/shapes'
import type { BodyOf } from '@latchkey/contracts/endpoint'
import { AppError, invalidField } from '@latchkey/kit/app-error'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { FaceOptions } from '../../../flows/face.js'
import type { OpenSession } from '../../../flows/session.js'
import { createResendWords, createVoice } from './errors.js'
import { policy } from './policy.js'
import { login, otpLogin, resendOtp, signup, verifyOtp } from './schemas.js'
import { rytId, sealUser } from './sealed-user.js'

/** A match-making profile behind a phone: sign up, verify, log in by password or code. */
export const jodimilan = { title: 'Jodi Milan authentication', policy, createVoice, routes }

const token_type = 'Bearer'
type Signup = BodyOf<typeof signup>

async function routes(app: FastifyInstance, { face, flows, policy, callingCode, userKey }: FaceOptions): Promise<void> {
  if (userKey === undefined) throw new Error('jodimilan needs a key to seal what it tells of a person')

  function sessionData(user: User, session: OpenSession) {
    const { number, email, phone } = user
    const { accessToken, expiresAt } = app.issueAccessToken(session, face, {
      lifeSeconds: policy.accessTokenSeconds,
      claims: { userId: number, email, phone, ryt_id: rytId(user) },
    })
    return {
      user: sealUser(user, userKey as Buffer),
      user_id: number,
      access_token: accessToken,
      expires_at: expiresAt.toISOString(),
    }
  }

  mount(
    app,
    signup,
    async ({ body, request }) => {
      const { name, last_name, email, phone, dialing_code, password } = body
      const person = {
        email,
        password,
        name: `${name} ${last_name}`.trim(),
        phone: international(phone, dialing_code),
        profile: profileOf(body),
      }
      const { user } = await flows.register(person, await request.faceCaller(face), policy, 'phone')
      const message = 'User registered successfully. Verify Phone OTP.'
      const data = { user_id: user.number, email: user.email ?? email, phone }
      return { status: 201, body: { code: 201, success: true, message, data } }
    },
    app.sendLimit,
  )

  mount(app, verifyOtp, async ({ body: { phone, dialing_code, otp: code }, request }) => {
    const to = { phone: international(phone, dialing_code) }
    const caller = await request.faceCaller(face)
    const proved = await flows.answerSent({ to, purpose: 'sign_up', code, signIn: true }, caller, policy)
    if (proved.kind !== 'signed_in') throw new AppError('internal')
    const message = 'Phone verified successfully'
    const data = { message, ...sessionData(proved.user, proved.session) }
    return { status: 200, body: { code: 200, success: true, message, data } }
  })

  mount(app, login, async ({ body: { email, password, dialing_code }, request }) => {
    const identifier = readIdentifier(email, dialing_code ?? callingCode)
    const caller = await request.faceCaller(face)
    const { user, session } = await flows.signInWithAccount({ identifier, password }, caller, policy)
    const data = { ...sessionData(user, session), token_type } as const
    return { status: 200, body: { code: 200, success: true, message: 'Successfully logged in', data } }
  })

  mount(
    app,
    resendOtp,
    async ({ body: { phone, dialing_code }, request }) => {
      const to = { phone: international(phone, dialing_code) }
      const rules = { purpose: 'sign_up', signsIn: true } as const
      const { code: otp } = await flows.sendByAddress(to, await request.faceCaller(face), policy, rules)
      const data = otp === undefined ? {} : { otp }
      return { status: 200, body: { code: 200, success: true, message: 'OTP resent successfully', data } }
    },
    { ...app.sendLimit, words: createResendWords(policy) },
  )

  mount(app, otpLogin, async ({ body: { phone, dialing_code, otp: code }, request }) => {
    const answer = { to: { phone: international(phone, dialing_code) }, purpose: 'sign_in', code } as const
    const { user, session } = await flows.answerSent(answer, await request.faceCaller(face), policy)
    const data = { ...sessionData(user, session), token_type } as const
    return { status: 200, body: { code: 200, success: true, message: 'Successfully logged in', data } }
  })
}

/** A national number with the calling code that came beside it. A leading zero stays: whether it belongs to the number differs by country. */
const international = (phone: string, dialingCode: string): string =>
  /^\s*(?:\+|00)/.test(phone) ? phone : `+${dialingCode.replace('+', '')}${phone.trim()}`

/** `email` may be an e-mail, a phone or a RYT id. */
function readIdentifier(typed: string, dialingCode: string): string | { number: number } {
  const ryt = /^\s*ryt(\d{1,15})\s*$/i.exec(typed)?.[1]
  if (ryt !== undefined) return { number: Number(ryt) }
  return typed.includes('@') || !/^[\s+\d(]/.test(typed) ? typed : international(typed, dialingCode)
}

/** What is kept of a person beside the account, and nothing else that was sent. A day of birth exists and lies behind us, which today does not. */
function profileOf({ name, last_name, gender, dob, profile_by, mat_status, religion, caste, country, state }: Signup) {
  const born = new Date(`${dob}T00:00:00Z`)
  const exists = !Number.isNaN(born.getTime()) && born.toISOString().startsWith(dob)
  const today = new Date().toISOString().slice(0, 'YYYY-MM-DD'.length)
  if (!exists || dob >= today) throw invalidField('/dob', 'must be a date in the past, like 1990-01-01')
  return { first_name: name, last_name, gender, dob, profile_by, mat_status, religion, caste, country, state }
}
