import type { Canaries } from '../journey/canaries.js'
import type { Call } from '../journey/journey.js'
import { faces } from './faces/faces.js'
import { begin, notTheCode } from './scene.js'
import { type Client, randomPerson } from './world.js'

interface Driven {
  readonly call: Call
  readonly codeOf: (phone: string, count: number) => Promise<string>
  readonly canaries: Canaries
}

/** Everything a front end does at every face, right and wrong; notes all that must stand nowhere. */
export async function driveFaces({ call, codeOf, canaries }: Driven): Promise<void> {
  const { texts, codes, phones } = canaries
  const by: Client = {
    address: '127.0.0.1',
    agent: 'canary',
    call: async (method, path, body, { token } = {}) => call(method, path, body, token),
  }
  for (const face of faces) {
    const who = randomPerson()
    const registered = await begin({ face }, by, who)
    const code = await codeOf(who.phone, 1)
    await face.verify(by, who, notTheCode(code))
    await face.send(by, who)
    const verified = await face.verify(by, who, code)
    const loggedIn = await face.logIn(by, who)
    await face.logIn(by, { ...who, password: `${who.password}-wrong` })
    await face.register(by, { ...who, phone: 'canary-not-a-phone' })
    const tokens = [registered, verified, loggedIn].flatMap((answer) => face.tokenIn(answer) ?? [])
    await face.opens?.(by, tokens[0])
    codes.push(code)
    phones.push(who.phone)
    texts.push(who.email, who.username, who.password)
    canaries.tokens.push(...tokens)
    if (face.name === 'users-api') canaries.tokens.push(registered.body.tokens.refresh)
    if (face.name === 'rently') {
      const { email, phone } = who
      await by.call('POST', '/rently/api/auth/forgot-password-initiate', { email, phone })
      const otp = await codeOf(phone, 2)
      const { body } = await by.call('POST', '/rently/api/auth/forgot-password-verify-otp', { email, otp })
      const { resetToken } = body
      const newPassword = `next-${who.password}`
      await by.call('POST', '/rently/api/auth/reset-password', { email, newPassword, resetToken })
      codes.push(otp)
      canaries.tokens.push(resetToken)
      texts.push(newPassword)
    }
  }
}
