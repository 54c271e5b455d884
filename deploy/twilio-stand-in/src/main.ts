import { createStandIn } from './server.js'

const accountSid = process.env['TWILIO_ACCOUNT_SID'] ?? `AC${'0'.repeat(31)}1`
const authToken = process.env['TWILIO_AUTH_TOKEN'] ?? 'stand-in-token'

const server = createStandIn({ accountSid, authToken })
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  process.stdout.write(`ready http://127.0.0.1:${port}\n`)
})
process.once('SIGTERM', () => process.exit(0))
process.once('SIGINT', () => process.exit(0))
