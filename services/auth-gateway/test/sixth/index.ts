import { endpoint } from '@latchkey/contracts/endpoint'
import { errors } from '@latchkey/contracts/errors'
import { mount } from '@latchkey/kit/mount'
import type { Voice, Wording } from '@latchkey/kit/voice'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { FaceOptions } from '../../src/flows/face.js'

// A throw-away dialect, as docs/dialects.md says how to add one: everything it is stands in this folder.

const policy = {
  codeLifeSeconds: 120,
  cooldownSeconds: 10,
  resends: 1,
  resend: 'rotate',
  attempts: 2,
  accessTokenSeconds: 90,
} as const

const createVoice = (): Voice => ({
  contentType: 'application/json; charset=utf-8',
  wordings: Object.fromEntries(
    Object.entries(errors).map(([code, { status }]): [string, Wording] => [
      code,
      { status, schema: Type.Object({ oops: Type.String() }), body: (error) => ({ oops: error.code }) },
    ]),
  ) as unknown as Voice['wordings'],
})

const enter = endpoint({
  method: 'POST',
  path: '/api/enter',
  summary: 'Log in',
  body: Type.Object({ who: Type.String(), secret: Type.String() }),
  replies: { 200: Type.Object({ token: Type.String() }) },
  fails: ['credentials.wrong', 'rate.limited'],
})
const who = endpoint({
  method: 'GET',
  path: '/api/who',
  summary: 'Who the gateway takes the caller for',
  replies: {
    200: Type.Object({ network: Type.String(), key: Type.String(), userId: Type.Union([Type.String(), Type.Null()]) }),
  },
  fails: [],
})

async function routes(app: FastifyInstance, { face, flows, policy: rules }: FaceOptions): Promise<void> {
  mount(
    app,
    enter,
    async ({ body, request }) => {
      const caller = await request.faceCaller(face)
      const { session } = await flows.signInWithAccount({ identifier: body.who, password: body.secret }, caller, rules)
      const { accessToken } = app.issueAccessToken(session, face, { lifeSeconds: rules.accessTokenSeconds })
      return { status: 200, body: { token: accessToken } }
    },
    app.sendLimit,
  )
  mount(app, who, async ({ request }) => {
    const { client, userId = null } = await request.faceCaller(face)
    return { status: 200, body: { ...client, userId } }
  })
}

export const sixth = { title: 'A sixth', policy, createVoice, routes }
