import t from 'tap'
import { loadWorkerConfig } from '../src/config.js'
import { workerEnv } from './harness.js'
import { accountSid, authToken, customerId, email, ourNumber, password, senderId } from './stand-in.js'

const twilio = { TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken, TWILIO_PHONE_NUMBER: ourNumber }
const central = {
  MESSAGECENTRAL_CUSTOMER_ID: customerId,
  MESSAGECENTRAL_SENDER_ID: senderId,
  MESSAGECENTRAL_EMAIL: email,
  MESSAGECENTRAL_PASSWORD: password,
}
const load = (env: Record<string, string>) => loadWorkerConfig({ ...workerEnv('redis://127.0.0.1'), ...env })

/** Everything that is wrong with these variables, as one text. */
function complaints(env: Record<string, string>): string {
  try {
    load(env)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

t.test(
  'carriers with credentials are tried in the order twilio, messagecentral; told otherwise, in that',
  async (t) => {
    t.strictSame(load({ ...central, ...twilio }).providers, ['twilio', 'messagecentral'])
    t.strictSame(load(central).providers, ['messagecentral'])
    t.strictSame(load({ ...central, ...twilio, SMS_PROVIDERS: 'messagecentral, twilio' }).providers, [
      'messagecentral',
      'twilio',
    ])
    t.strictSame(load({}).providers, ['inbox', 'backup'])
    const { MESSAGECENTRAL_EMAIL: _email, MESSAGECENTRAL_PASSWORD: _password, ...ready } = central
    t.strictSame(load({ ...ready, MESSAGECENTRAL_AUTH_TOKEN: 'a.b.c' }).providers, ['messagecentral'])
    // Its country is also what a face reads numbers by.
    t.strictSame(load({ MESSAGECENTRAL_COUNTRY_CODE: '1' }).providers, ['inbox', 'backup'])
  },
)

t.test('what a chosen carrier is missing is named, and what is misshapen, and no value', async (t) => {
  const told = complaints({
    MESSAGECENTRAL_EMAIL: 'nobody',
    MESSAGECENTRAL_PASSWORD: 'a-secret-password',
    MESSAGECENTRAL_API_BASE_URL: 'cpaas.example.com/path',
    MESSAGECENTRAL_COUNTRY_CODE: '+91',
    TWILIO_ACCOUNT_SID: 'SK-not-an-account',
  })
  for (const problem of [
    'MESSAGECENTRAL_CUSTOMER_ID is missing',
    'MESSAGECENTRAL_SENDER_ID is missing',
    'MESSAGECENTRAL_EMAIL must be',
    'MESSAGECENTRAL_API_BASE_URL must be a URL without a path',
    'MESSAGECENTRAL_COUNTRY_CODE must be a calling code',
    'TWILIO_ACCOUNT_SID must be AC and 32 hex digits',
    'TWILIO_AUTH_TOKEN is missing',
  ])
    t.match(told, problem)
  t.notMatch(told, /nobody|a-secret-password|cpaas\.example|SK-not/)
  t.match(
    complaints({ MESSAGECENTRAL_CUSTOMER_ID: customerId, MESSAGECENTRAL_SENDER_ID: senderId }),
    'MESSAGECENTRAL_AUTH_TOKEN, or',
  )
  t.match(
    complaints({ SMS_PROVIDERS: 'messagecentral,pigeon' }),
    'SMS_PROVIDERS may name twilio, messagecentral, inbox, backup',
  )
})
