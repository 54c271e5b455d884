import type { User } from '@latchkey/contracts/v1/shapes'
import { mount } from '@latchkey/kit/mount'
import type { FastifyInstance } from 'fastify'
import type { FaceOptions } from '../../../flows/face.js'
import { byEmailWords, createResendWords, createVoice } from './errors.js'
import { policy } from './policy.js'
import { login, me, register, resendSms, verifySms } from './schemas.js'

/** An account with or without a phone; who gave one proves it by SMS, and is found by e-mail. */
export const careops = { title: 'CareOps SMS authentication', policy, createVoice, routes }

async function routes(app: FastifyInstance, { face, flows, policy }: FaceOptions): Promise<void> {
  mount(
    app,
    register,
    async ({ body: { email, password, full_name: name, phone_number: phone = null }, request }) => {
      const person = { email, password, name, phone }
      const rules = { ...policy, phoneOptional: true }
      const { user, sms } = await flows.register(person, await request.faceCaller(face), rules, 'email')
      return { status: 201, body: { ...shown(user), sms_status: sms } }
    },
    app.sendLimit,
  )

  mount(
    app,
    verifySms,
    async ({ query: to, body: { code }, request }) => {
      const answer = { to, purpose: 'sign_up', code } as const
      await flows.answerSent(answer, await request.faceCaller(face), policy)
      return { status: 200, body: { status: 'success', message: 'Phone verified' } }
    },
    { words: byEmailWords },
  )

  mount(
    app,
    resendSms,
    async ({ query: to, request }) => {
      const rules = { purpose: 'sign_up', signsIn: false } as const
      await flows.sendByAddress(to, await request.faceCaller(face), policy, rules)
      return { status: 200, body: { status: 'success', message: 'Code resent' } }
    },
    { ...app.sendLimit, words: createResendWords(policy) },
  )

  mount(app, login, async ({ body: { email: identifier, password }, request }) => {
    const caller = await request.faceCaller(face)
    const { user, session } = await flows.signInWithAccount({ identifier, password }, caller, policy)
    const { accessToken } = app.issueAccessToken(session, face, {
      lifeSeconds: policy.accessTokenSeconds,
      ...(waitsForProof(user) && { scope: 'me' }),
    })
    return { status: 200, body: { access_token: accessToken, token_type: 'bearer', user: shown(user) } }
  })

  mount(app, me, async ({ request }) => {
    const user = await flows.getMe(await request.signedIn(face))
    return { status: 200, body: shown(user) }
  })
}

/** An account that never gave a phone waits for nothing. */
const waitsForProof = ({ phone, phoneVerified }: User): boolean => phone !== null && !phoneVerified

const shown = ({ number, email, name, phone, phoneVerified, createdAt }: User) => ({
  id: number,
  email,
  full_name: name,
  phone_number: phone,
  // One that is disabled logs in nowhere.
  is_active: true,
  is_phone_verified: phoneVerified,
  created_at: createdAt,
})
