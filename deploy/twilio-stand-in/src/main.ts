import { serve } from './carrier.js'
import { createStandIn } from './server.js'

const accountSid = process.env['TWILIO_ACCOUNT_SID'] ?? `AC${'0'.repeat(31)}1`
const authToken = process.env['TWILIO_AUTH_TOKEN'] ?? 'stand-in-token'

serve(createStandIn({ accountSid, authToken }))
