import { serve } from '@latchkey/twilio-stand-in/carrier'
import { createStandIn } from './server.js'

const customerId = process.env['MESSAGECENTRAL_CUSTOMER_ID'] ?? 'C-0123456789ABCDE'
const password = process.env['MESSAGECENTRAL_PASSWORD'] ?? 'stand-in-password'
const email = process.env['MESSAGECENTRAL_EMAIL'] ?? 'stand-in@example.com'

serve(createStandIn({ customerId, password, email, readyToken: process.env['MESSAGECENTRAL_AUTH_TOKEN'] }))
