import type { Socket } from 'node:net'
import type { ServerResponse } from 'node:http'
import type { Fault } from './faults.js'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** How a carrier words what goes wrong. `quoted` is what was asked for, as carriers repeat it in their errors. */
export interface Words {
  unavailable(quoted: string): Answer
  tooFast(quoted: string): Answer
  refused(code: number, quoted: string): Answer
  /** An error that comes with 200. */
  failed(quoted: string): Answer
  /** A list with nothing in it. */
  readonly nothing: Answer
  /** A good answer whose id nobody understands. */
  odd(answer: Answer): Answer
}

/** A call under a fault: how to do it properly, and where its answer would go. */
export interface SpoiledCall {
  readonly response: ServerResponse
  readonly socket: Socket
  readonly quoted: string
  /** Does the work (takes the message), and says what the good answer would be. */
  readonly work: () => Answer
  readonly words: Words
}

/** Ends a response with JSON. */
export function sendJson(
  response: ServerResponse,
  { status, body }: Answer,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body)
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers })
    .end(text)
}

/** Answers one call as the fault orders. */
export function misbehave({ fault, ms, code }: Fault, { response, socket, quoted, work, words }: SpoiledCall): void {
  switch (fault) {
    case '503':
      return sendJson(response, words.unavailable(quoted))
    case '503-after-accept':
      work()
      return sendJson(response, words.unavailable(quoted))
    case '429':
      return sendJson(response, words.tooFast(quoted), { 'retry-after': String(Math.ceil(ms / 1_000)) })
    case 'refuse':
      return sendJson(response, words.refused(code, quoted))
    case 'html-200':
      return void response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<html><body>Welcome ${quoted}</body></html>`)
    case 'error-200':
      return sendJson(response, words.failed(quoted))
    // As a list that does not know yet what was taken a moment ago.
    case 'lag':
      return sendJson(response, words.nothing)
    case 'odd-sid':
      return sendJson(response, words.odd(work()))
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
      const answer = work()
      return void setTimeout(() => sendJson(response, answer), ms)
    }
  }
}

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
