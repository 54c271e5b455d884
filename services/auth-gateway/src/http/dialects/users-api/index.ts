import type { User } from '@latchkey/contracts/v1/shapes'
import { invalidField } from '@latchkey/kit/app-error'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { FaceOptions } from '../../../flows/face.js'
import type { OpenSession } from '../../../flows/session.js'
import { createSendWords, createVoice } from './errors.js'
import { firstAndLast, wholeName } from './names.js'
import { policy } from './policy.js'
import { me, refreshToken, register, sendPhoneOtp, verifyPhoneOtp } from './schemas.js'

/** An account exists from register; its front end asks for the code when it wants the phone proved. */
export const usersApi = { title: 'Users API', policy, createVoice, routes }

async function routes(app: FastifyInstance, { face, flows, policy }: FaceOptions): Promise<void> {
  const tokens = (session: OpenSession, proved: boolean) => ({
    access: app.issueAccessToken(session, face, {
      lifeSeconds: policy.accessTokenSeconds,
      ...(!proved && { scope: 'me token/refresh' }),
    }).accessToken,
    refresh: session.refreshToken,
  })

  mount(
    app,
    register,
    async ({ body: { email, phone, password, password_confirm: again, ...names }, request }) => {
      if (password !== again) throw invalidField('/password_confirm', 'must be the same as the password')
      const person = { email, phone, password, ...wholeName(names) }
      const { user, session } = await flows.register(person, await request.faceCaller(face), policy, null)
      return { status: 201, body: { user: shown(user), tokens: tokens(session, user.phoneVerified) } }
    },
    app.sendLimit,
  )

  mount(
    app,
    sendPhoneOtp,
    async ({ body: { phone }, request }) => {
      const rules = { purpose: 'verify_phone', signsIn: false } as const
      await flows.sendByAddress({ phone }, await request.faceCaller(face), policy, rules)
      return { status: 200, body: { message: 'OTP sent successfully', phone, expires_in: policy.codeLifeSeconds } }
    },
    { ...app.sendLimit, words: createSendWords(policy) },
  )

  mount(app, verifyPhoneOtp, async ({ body: { phone, otp: code }, request }) => {
    const answer = { to: { phone }, purpose: 'verify_phone', code } as const
    await flows.answerSent(answer, await request.faceCaller(face), policy)
    return { status: 200, body: { message: 'Phone number verified successfully', phone_verified: true } }
  })

  mount(app, me, async ({ request }) => ({
    status: 200,
    body: shown(await flows.getMe(await request.signedIn(face))),
  }))

  mount(app, refreshToken, async ({ body: { refresh }, request }) => {
    const { proved, ...session } = await flows.refreshSession(refresh, request.caller(face))
    return { status: 200, body: tokens(session, proved) }
  })
}

const shown = (user: User) => ({
  id: user.number,
  email: user.email,
  phone: user.phone,
  ...firstAndLast(user),
  phone_verified: user.phoneVerified,
  email_verified: user.emailVerified,
  created_at: user.createdAt,
  updated_at: user.updatedAt,
})
