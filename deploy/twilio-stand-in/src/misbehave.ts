import type { Socket } from 'node:net'
import type { ServerResponse } from 'node:http'
import type { Fault } from './faults.js'
import { messagePage, sendJson, twilioError } from './twilio-wire.js'

/** A call under a fault: how to do it properly, and where its answer would go. */
export interface SpoiledCall {
  readonly response: ServerResponse
  readonly socket: Socket
  /** What was asked for, as carriers quote it in their errors. */
  readonly quoted: string
  /** Does the work (takes the message), and says what the good answer would be. */
  readonly work: () => { status: number; body: unknown }
}

/** Answers one call as the fault orders. */
export function misbehave({ fault, ms, code }: Fault, { response, socket, quoted, work }: SpoiledCall): void {
  switch (fault) {
    case '503':
      return sendJson(response, 503, twilioError(503, 20503, `Service unavailable: ${quoted}`))
    case '503-after-accept':
      work()
      return sendJson(response, 503, twilioError(503, 20503, `Service unavailable: ${quoted}`))
    case '429':
      return sendJson(response, 429, twilioError(429, 20429, `Too Many Requests: ${quoted}`), {
        'retry-after': String(Math.ceil(ms / 1_000)),
      })
    case 'refuse': {
      const status = code === 20003 ? 401 : 400
      return sendJson(response, status, twilioError(status, code, `The message is refused: ${quoted}`))
    }
    case 'html-200':
      return void response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<html><body>Welcome ${quoted}</body></html>`)
    case 'error-200':
      return sendJson(response, 200, twilioError(500, 20500, `An internal server error has occurred: ${quoted}`))
    // As a list that does not know yet what was taken a moment ago.
    case 'lag':
      return sendJson(response, 200, messagePage('', []))
    case 'odd-sid': {
      const { status, body } = work()
      return sendJson(response, status, { ...(body as object), sid: 'X'.repeat(100) })
    }
    case 'hang':
      return void setTimeout(() => socket.destroy(), ms).unref()
    case 'reset-before':
      return void socket.resetAndDestroy()
    case 'reset-after-accept':
      work()
      return void socket.resetAndDestroy()
    case 'truncated':
      return truncate(response, socket, work())
    case 'slow-drip':
      return drip(response, work(), ms)
    case 'slow': {
      const { status, body } = work()
      return void setTimeout(() => sendJson(response, status, body), ms)
    }
  }
}

type Answer = ReturnType<SpoiledCall['work']>

function truncate(response: ServerResponse, socket: Socket, { status, body }: Answer): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.write(text.slice(0, text.length / 2), () => socket.destroy())
}

/** Ten bytes at a time, so that no single silence is long and only a limit on the whole call ends it. */
function drip(response: ServerResponse, { status, body }: Answer, ms: number): void {
  const pieces = JSON.stringify(body).match(/[^]{1,10}/g) ?? []
  response.writeHead(status, { 'content-type': 'application/json' })
  const timer = setInterval(() => {
    const piece = pieces.shift()
    if (piece === undefined || response.destroyed) {
      clearInterval(timer)
      response.end()
    } else response.write(piece)
  }, ms / pieces.length)
}
