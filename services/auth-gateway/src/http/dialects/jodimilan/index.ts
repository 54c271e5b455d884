import type { User } from '@latchkey/contracts/v1/shapes'
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
    async ({ body: { name, last_name, email, phone, dialing_code, password, ...about }, request }) => {
      const person = {
        email,
        password,
        name: `${name} ${last_name}`.trim(),
        phone: international(phone, dialing_code),
        profile: profileOf({ ...about, first_name: name, last_name }),
      }
      const registering = flows.register(person, await request.faceCaller(face), policy, 'phone')
      const { user } = await app.limitConflicts(request, registering)
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

/** A national number with the calling code that came beside it; its trunk zero is no part of it. */
const international = (phone: string, dialingCode: string): string =>
  /^\s*(?:\+|00)/.test(phone) ? phone : `+${dialingCode.replace('+', '')}${phone.trim().replace(/^0/, '')}`

/** `email` may be an e-mail, a phone or a RYT id. */
function readIdentifier(typed: string, dialingCode: string): string | { number: number } {
  const ryt = /^\s*ryt(\d{1,15})\s*$/i.exec(typed)?.[1]
  if (ryt !== undefined) return { number: Number(ryt) }
  return typed.includes('@') || !/^[\s+\d(]/.test(typed) ? typed : international(typed, dialingCode)
}

/** Dates are told as such and lie behind us; the rest is kept as it came. */
function profileOf<P extends { readonly dob: string }>(profile: P): P {
  const born = new Date(`${profile.dob}T00:00:00Z`)
  const exists = !Number.isNaN(born.getTime()) && born.toISOString().startsWith(profile.dob)
  if (!exists || born.getTime() >= Date.now()) throw invalidField('/dob', 'must be a date in the past, like 1990-01-01')
  return profile
}
