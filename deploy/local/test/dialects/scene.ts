import type { Test } from 'tap'
import type { Answer } from '../journey/journey.js'
import type { Face } from './faces/face.js'
import { type Client, type Person, randomPerson, type World } from './world.js'

export interface Scene extends World {
  readonly face: Face
}

export type Sentence = readonly [sentence: string, proof: (t: Test, scene: Scene) => Promise<void>]

/** A number that can be no code of anybody: a wrong code that is never right by chance. */
export const notTheCode = (code: string): string => (code === '000001' ? '000002' : '000001')

/** Registers somebody and has the first code sent; answers what registering answered. */
export async function begin({ face }: Pick<Scene, 'face'>, by: Client, who: Person, more?: object): Promise<Answer> {
  const registered = await face.register(by, who, more)
  if (!face.registeringSends) await face.send(by, who)
  return registered
}

/** Somebody whose phone is proved, with the password set: the access token, and what proving answered. */
export async function settle(scene: Pick<Scene, 'face' | 'code'>, by: Client, who = randomPerson()) {
  const { face } = scene
  const registered = await begin(scene, by, who)
  const verified = await face.verify(by, who, await scene.code(who.phone))
  const token =
    face.tokenIn(verified) ??
    face.tokenIn(registered) ??
    (face.name === 'careops' ? face.tokenIn(await face.logIn(by, who)) : undefined)
  if (face.name === 'staged')
    await by.call('POST', '/staged/api/auth/change-password', { newPassword: who.password }, { token })
  return { who, registered, verified, token }
}

export const guesses = async (count: number, guess: () => Promise<Answer>): Promise<Answer[]> => {
  const answers = []
  for (let n = 0; n < count; n++) answers.push(await guess())
  return answers
}

/** What a stranger could tell two answers apart by. */
export const tellTale = ({ status, headers, body }: Answer, ...of: Person[]): unknown => {
  let text = JSON.stringify(body)
  for (const { phone, email, username } of of)
    for (const [told, as] of [
      [phone, '‹phone›'],
      [phone.slice(3), '‹phone›'],
      [email, '‹e-mail›'],
      [username, '‹name›'],
    ] as const)
      text = text.replaceAll(told, as)
  const retryAfter = headers['retry-after'] !== undefined
  // EXPOSE_OTP tells, and is development only.
  text = text.replace(/"otp":"\d+"/, '')
  return { status, retryAfter, names: Object.keys(headers).sort(), body: JSON.parse(text) }
}

/** Seconds since now, by the clock on the wall: what passes by itself while a test moves time. */
export function stopwatch(): () => number {
  const started = performance.now()
  return () => (performance.now() - started) / 1_000
}
