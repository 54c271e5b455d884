import twilio from 'twilio'

const { TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_PHONE_NUMBER, TWILIO_API_BASE_URL } = process.env

/** Twilio's SDK as it comes, but for the address: what it asks of api.twilio.com goes to the stand-in. */
class StandInClient extends twilio.RequestClient {
  request(options) {
    const { pathname, search } = new URL(options.uri)
    return super.request({ ...options, uri: `${TWILIO_API_BASE_URL}${pathname}${search}` })
  }
}

const client = twilio(TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, { httpClient: new StandInClient() })

/** Resolves once the carrier has taken the code. */
export const sendCode = (to, code) =>
  client.messages.create({ to, from: TWILIO_PHONE_NUMBER, body: `Your verification code is ${code}` })
