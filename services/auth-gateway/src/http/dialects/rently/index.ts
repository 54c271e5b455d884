import type { User } from '@latchkey/contracts/v1/shapes'
import { AppError } from '@latchkey/kit/app-error'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { FaceOptions } from '../../../flows/face.js'
import type { OpenSession } from '../../../flows/session.js'
import { createInitiateWords, createVoice } from './errors.js'
import { policy } from './policy.js'
import {
  forgotPasswordInitiate,
  forgotPasswordVerifyOtp,
  login,
  resetPassword,
  signupInitiate,
  signupVerifyOtp,
} from './schemas.js'

/** Nothing exists until the phone is proved: each step names the whole account again. */
export const rently = { title: 'Rently authentication', policy, createVoice, routes }

async function routes(app: FastifyInstance, { face, flows, policy }: FaceOptions): Promise<void> {
  const sendOptions = { ...app.sendLimit, words: createInitiateWords(policy) }
  const tokenFor = (session: OpenSession) =>
    app.issueAccessToken(session, face, { lifeSeconds: policy.accessTokenSeconds }).accessToken

  mount(
    app,
    signupInitiate,
    async ({ body, request }) => {
      await flows.signUpByAddress.start(body, await request.faceCaller(face), policy)
      const { email, phone } = body
      return { status: 200, body: { message: 'OTP sent to your phone', email, phone, otpSent: true } }
    },
    sendOptions,
  )

  mount(app, signupVerifyOtp, async ({ body: { otp: code, ...account }, request }) => {
    const caller = await request.faceCaller(face)
    const proved = await flows.signUpByAddress.finish({ ...account, code }, caller, policy)
    if (proved.kind !== 'signed_in') throw new AppError('internal')
    const { user, session } = proved
    const message = 'User registered successfully'
    return { status: 201, body: { message, user: shown(user), token: tokenFor(session) } }
  })

  mount(
    app,
    forgotPasswordInitiate,
    async ({ body, request }) => {
      await flows.forgotByAddress(body, await request.faceCaller(face), policy)
      const message = 'OTP sent to your registered phone number'
      return { status: 200, body: { message, email: body.email, otpSent: true } }
    },
    sendOptions,
  )

  mount(app, forgotPasswordVerifyOtp, async ({ body: { email, otp: code }, request }) => {
    const answer = { to: { email }, purpose: 'reset_password', code } as const
    const { resetToken } = await flows.answerSent(answer, await request.faceCaller(face), policy)
    return { status: 200, body: { message: 'OTP verified. You can now reset your password.', resetToken, email } }
  })

  mount(app, resetPassword, async ({ body, request }) => {
    await flows.resetPassword(body, request.caller(face), policy.passwordRules)
    return { status: 200, body: { message: 'Password reset successfully' } }
  })

  mount(app, login, async ({ body: { email: identifier, password }, request }) => {
    const caller = await request.faceCaller(face)
    const { user, session } = await flows.signInWithAccount({ identifier, password }, caller, policy)
    return { status: 200, body: { user: shown(user), token: tokenFor(session) } }
  })
}

const shown = (user: User) => ({ id: objectId(user), name: user.name, email: user.email, role: user.role })

/** 24 hex digits as that document's database makes them: seconds since the epoch, then what tells two ids of one second apart. */
function objectId({ id }: User): string {
  const hex = id.replaceAll('-', '')
  const seconds = Math.floor(Number.parseInt(hex.slice(0, 12), 16) / 1_000)
  return seconds.toString(16).padStart(8, '0') + hex.slice(16)
}
