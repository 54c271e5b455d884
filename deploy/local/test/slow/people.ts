import { randomPhone } from '../journey/journey.js'
import type { Person } from './load.js'
import type { Production } from './production.js'

type Order = Omit<Parameters<Production['order']>[0], 'to'>

/** Someone whose sign-up was accepted. */
export type Guest = Person & { readonly challenge: { readonly id: string; readonly expiresAt: string } }

/** Someone signs up, at a carrier that does with his number what is ordered. */
export async function signUp(
  { call, order }: Pick<Production, 'call' | 'order'>,
  orders: readonly Order[] = [],
  before: (phone: string) => Promise<void> = async () => undefined,
): Promise<Guest> {
  const phone = randomPhone()
  for (const each of orders) await order({ to: phone, ...each })
  await before(phone)
  const { status, body } = await call('POST', '/v1/signup', { phone })
  if (status !== 202) throw new Error(`a sign-up was answered with ${status}`)
  return { phone, told: [], challenge: body.challenge }
}

/** He types the code of his newest SMS, once it has come, and is told so. */
export async function getIn(
  { call, codeFor }: Pick<Production, 'call' | 'codeFor'>,
  person: Guest,
  withinMs = 30_000,
): Promise<number> {
  const code = await codeFor(person.phone, withinMs)
  const { status, body } = await call('POST', `/v1/challenges/${person.challenge.id}/answer`, { code })
  if (status === 201) person.session = { id: body.session.id, userId: body.user.id, at: Date.now() }
  return status
}
