import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { keepingRefusals } from '../journey/all-flows.js'
import { noCanaries } from '../journey/canaries.js'
import { codeFromInbox, twilioStandIn } from '../journey/journey.js'
import { searchEverything, secretKeys, secretStack } from '../journey/secret-stack.js'
import { codeIn, production } from './production.js'

t.test('no code, password, token, phone, name or key is anywhere it does not belong: with the inbox', async (t) => {
  const driven = await secretStack(t)
  await searchEverything(t, {
    ...driven,
    codeOf: (phone, count) => codeFromInbox(driven.call, phone, count),
    messagesTo: async (phone) => (await driven.call('GET', `/dev/inbox?to=${encodeURIComponent(phone)}`)).body,
  })
})

t.test('the same with a carrier that quotes what it was sent in its errors', async (t) => {
  const twilio = await twilioStandIn(t)
  const driven = await secretStack(t, twilio.env)
  driven.canaries.tokens.push(twilio.env.TWILIO_AUTH_TOKEN)
  await searchEverything(t, { ...driven, codeOf: twilio.code, messagesTo: twilio.accepts, carrier: twilio })
})

t.test('nothing secret is anywhere it does not belong: as it is deployed', async (t) => {
  const keys = secretKeys()
  const everyFace = 'staged,careops,jodimilan,rently,users-api'
  const env = { LOG_LEVEL: 'trace', DIALECTS: everyFace, ...keys }
  const { stack, call, order, report, text, ledger } = await production(t, { env })
  const canaries = { ...noCanaries(), tokens: Object.values(keys) }
  const messagesTo = async (phone: string) => (await ledger(200)).filter(({ to }) => to === phone)
  const codeOf = (phone: string, count: number) =>
    eventually(
      `message ${count} to a person`,
      async () => {
        const sent = await messagesTo(phone)
        return sent.length >= count && codeIn(sent[count - 1] ?? { body: '' })
      },
      20_000,
    )
  await searchEverything(t, {
    stack,
    canaries,
    codeOf,
    messagesTo,
    carrier: { order, report, text },
    ...keepingRefusals(call),
  })
})
