import type { Answer, Words } from '@latchkey/twilio-stand-in/misbehave'

/** One message that the stand-in took. `sid` as every stand-in's ledger names it. */
export interface Accept {
  readonly sid: string
  readonly to: string
  readonly from: string
  readonly body: string
  readonly at: string
}

/** A message that was taken, as MessageCentral says it. */
export const taken = ({ sid, to }: Accept): Answer => ({
  status: 200,
  body: {
    responseCode: 200,
    message: 'SUCCESS',
    data: {
      verificationId: '1',
      mobileNumber: to,
      responseCode: '200',
      errorMessage: null,
      timeout: null,
      smsCLI: null,
      transactionId: sid,
    },
  },
})

/** A refusal: HTTP says 200, the integer inside says what it is. */
export const refusal = (responseCode: number, message: string, status = 200): Answer => ({
  status,
  body: { responseCode, message, data: null },
})

/** What goes wrong, as MessageCentral words it. */
export const words: Words = {
  unavailable: (quoted) => refusal(500, `SERVER_ERROR ${quoted}`, 503),
  tooFast: (quoted) => refusal(800, `MAXIMUM_LIMIT_REACHED ${quoted}`, 429),
  refused: (code, quoted) => refusal(code, `REFUSED ${quoted}`),
  failed: (quoted) => refusal(500, `SERVER_ERROR ${quoted}`),
  nothing: refusal(500, 'there are no lists'),
  odd: () => ({
    status: 200,
    body: { responseCode: 200, message: 'SUCCESS', data: { transactionId: 'X'.repeat(100) } },
  }),
}
