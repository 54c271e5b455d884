import type { Answer } from '../../journey/journey.js'
import { type Act, answering, type Learn, type Sent, signedIn } from './act.js'
import { endTokens, keepToken, liveToken, newPassword, type Person } from './person.js'
import { refreshing, resetting } from './tokens.js'

const life = { lifeSeconds: 300, most: 5 }
const nobody = `abc.${'0'.repeat(32)}`
const idOf = (who: Person) => who.traces.get('v1')?.id ?? nobody
const sessionOf = ({ tokens }: Person) => tokens.findLast(({ face, over }) => face === 'v1' && !over)?.session

interface WireSession {
  readonly id: string
  readonly accessToken: string
  readonly refreshToken: string
}

function keepSession(who: Person, { id, accessToken, refreshToken }: WireSession): void {
  keepToken(who, 'v1', accessToken, id)
  who.refresh.set('v1', [refreshToken])
}

/** Notes the challenge of an answer, where it has one; a resend takes back nothing that was wrong about it. */
const follow =
  (to: (who: Person) => string = ({ phone }) => phone): Learn =>
  (who, { body }, _sent, tools) => {
    if (body.challenge === undefined) return
    const { id } = body.challenge
    const before = who.traces.get('v1')
    const same = before?.id === id ? before : undefined
    const endsAt = tools.latest() + life.lifeSeconds * 1_000
    who.traces.set('v1', { id, to: same?.to ?? to(who), endsAt, wrong: same?.wrong ?? 0, most: life.most })
  }

const starts = (op: string, body: (who: Person) => object): Act => ({
  op,
  right: (who) => ({ body: body(who) }),
  learn: follow(),
  sends: 'v1',
})

const logIn: Act = {
  op: 'POST /v1/login',
  right: ({ phone, password }) => ({ body: { identifier: phone, password } }),
  wrong: ({ email, password }) => ({ body: { identifier: email, password: `${password}x` } }),
  learn(who, answer, sent, tools) {
    if (answer.body.session !== undefined) keepSession(who, answer.body.session)
    else follow()(who, answer, sent, tools)
  },
  sends: 'v1',
}

function proved(who: Person, { body }: Answer): void {
  if (body.session !== undefined) keepSession(who, body.session)
  if (body.resetToken !== undefined) who.resets.set('v1', [...(who.resets.get('v1') ?? []), body.resetToken])
}

const answer = (also: (who: Person) => object): Act => ({
  ...answering(
    'v1',
    'POST /v1/challenges/{id}/answer',
    (who, code) => ({ path: `/v1/challenges/${idOf(who)}/answer`, body: { code, ...also(who) } }),
    proved,
  ),
})

const me = (op: string, send: (who: Person) => Sent, learn?: Learn) => signedIn('v1', op, send, learn)
/** What proves oneself again beside the token. */
const again = ({ password }: Person) => ({ password })

const sessionOfToken = ({ tokens }: Person, text: string | undefined) =>
  tokens.find((token) => token.text === text)?.session
/** All that /v1 gave; at other faces there may be tokens of a registration, which is not the account. */
const endAll = (who: Person) => endTokens(who, ({ face }) => face === 'v1')

const logOut = (all: boolean) =>
  me(
    'POST /v1/logout',
    () => ({ body: { all } }),
    (who, _answer, { token }) => {
      const ended = sessionOfToken(who, token)
      endTokens(who, ({ face, session }) => face === 'v1' && (all || session === ended))
    },
  )
const remove = (body: (who: Person) => object) => me('DELETE /v1/me', (who) => ({ body: body(who) }), endAll)
const changePassword = (body: (who: Person) => object) =>
  me(
    'POST /v1/me/password',
    (who) => ({ body: { newPassword: newPassword(who), ...body(who) } }),
    (who, _answer, { body: sent, token }) => {
      who.password = (sent as { newPassword: string }).newPassword
      const kept = sessionOfToken(who, token)
      endTokens(who, ({ face, session }) => face === 'v1' && session !== kept)
    },
  )
const changePhone = (body: (who: Person) => object): Act => ({
  ...me(
    'POST /v1/me/phone',
    (who) => ({ body: { phone: who.nextPhone, ...body(who) } }),
    follow(({ nextPhone }) => nextPhone),
  ),
  sends: 'v1',
})

/** /v1, as a front end uses it. */
export const v1Acts: Readonly<Record<string, Act>> = {
  signUp: starts('POST /v1/signup', ({ phone, email, username, password }) => ({ phone, email, username, password })),
  signUpBare: starts('POST /v1/signup', ({ phone }) => ({ phone })),
  logIn,
  logInCode: starts('POST /v1/login/code', ({ phone }) => ({ phone })),
  forgot: starts('POST /v1/password/forgot', ({ phone }) => ({ identifier: phone })),
  forgotByName: starts('POST /v1/password/forgot', ({ username }) => ({ identifier: username })),
  read: { op: 'GET /v1/challenges/{id}', right: (who) => ({ path: `/v1/challenges/${idOf(who)}` }) },
  resend: {
    op: 'POST /v1/challenges/{id}/resend',
    right: (who) => ({ path: `/v1/challenges/${idOf(who)}/resend` }),
    learn: follow(),
    sends: 'v1',
  },
  answer: answer(() => ({})),
  answerBoth: answer(again),
  refresh: refreshing('v1', 'POST /v1/token/refresh', 'refreshToken', (who, { body: { session } }) => {
    keepToken(who, 'v1', session.accessToken, session.id)
    return session.refreshToken
  }),
  reset: resetting('v1', 'POST /v1/password/reset', (resetToken, newPassword) => ({ resetToken, newPassword })),
  logOut: logOut(false),
  logOutAll: logOut(true),
  me: me('GET /v1/me', () => ({})),
  rename: me('PATCH /v1/me', ({ username }) => ({
    body: { name: `Somebody ${username}`, profile: { deep: [1, null] } },
  })),
  remove: remove(again),
  removeBare: remove(() => ({})),
  changePassword: changePassword(({ password }) => ({ currentPassword: password })),
  changePasswordBare: changePassword(() => ({})),
  changePhone: changePhone(again),
  changePhoneBare: changePhone(() => ({})),
  changeEmail: me('POST /v1/me/email', (who) => ({ body: { email: `next-${who.email}`, ...again(who) } })),
  undo: {
    op: 'POST /v1/undo',
    async right(who, tools) {
      const found = who.undo ?? (await tools.readUndo(who.phone))
      if (found !== undefined) who.undo = found
      return { body: { token: found ?? 'x'.repeat(28) }, ...(who.undone && { never: 'the undo was used' }) }
    },
    wrong: () => ({ body: { token: 'abcdefghijklmnopqrstuvwxyzab' } }),
    learn(who) {
      who.undone = true
      endAll(who)
    },
  },
  secondFactor: me(
    'PUT /v1/me/second-factor',
    (who) => ({ body: { enabled: !who.secondFactor, ...again(who) } }),
    (who, { body }) => void (who.secondFactor = body.user.secondFactor),
  ),
  secondFactorWrong: {
    ...me('PUT /v1/me/second-factor', () => ({})),
    right: (who) => ({
      body: { enabled: true, password: 'not the password of anybody' },
      token: liveToken(who, 'v1'),
      never: 'the password is wrong',
    }),
  },
  sessions: me('GET /v1/sessions', () => ({})),
  endSession: me(
    'DELETE /v1/sessions/{id}',
    (who) => ({ path: `/v1/sessions/${sessionOf(who) ?? nobody}` }),
    (who, _answer, { path = '' }) => endTokens(who, ({ session }) => session === path.split('/').at(-1)),
  ),
  endOldSession: me('DELETE /v1/sessions/{id}', ({ tokens }) => ({
    path: `/v1/sessions/${tokens.find(({ over, session }) => over && session !== undefined)?.session ?? nobody}`,
    never: 'the session has ended, or never was',
  })),
}
