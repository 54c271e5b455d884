import type { Variables } from './env.js'

interface WelcomeOptions {
  readonly given: Variables
  readonly gatewayPort: number
  readonly boardPort: number
  /** Of the queue dashboard: what was made for it, where nothing else is given. */
  readonly boardPassword: string
  readonly logDir: string
}

/** What a newcomer does next; ends in the one line that says the services answer. */
export function welcome({ given, gatewayPort, boardPort, boardPassword, logDir }: WelcomeOptions): string {
  const url = `http://localhost:${gatewayPort}`
  const account = 'TWILIO_ACCOUNT_SID' in given || 'MESSAGECENTRAL_CUSTOMER_ID' in given
  // A password of one's own is known, and need not stand on a screen.
  const login = 'BOARD_PASSWORD' in given || 'BOARD_PASSWORD_FILE' in given ? '' : `, password ${boardPassword}`
  const sent = /twilio|messagecentral/.test(given['SMS_PROVIDERS'] ?? (account ? 'twilio' : ''))
  const pages = given['PAGES_DIR'] === 'none' ? '' : `  Sign up in a browser: ${url}\n`
  return `
${pages}  Sign somebody up:
    curl -s ${url}/v1/signup -H 'content-type: application/json' -d '{"phone":"+919876543210"}'
  Read the code:    ${sent ? 'on the phone: messages really go out' : `${url}/dev/inbox`}
  Answer with it:
    curl -s ${url}/v1/challenges/<id>/answer -H 'content-type: application/json' -d '{"code":"<code>"}'
  API docs:         ${url}/docs
  Queues:           http://localhost:${boardPort}/board (user ${given['BOARD_USER'] ?? 'board'}${login})
  Logs:             ${logDir}/
  Ctrl-C stops everything.

ready ${url}`
}
