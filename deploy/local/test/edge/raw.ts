import { connect } from 'node:net'

// Requests that no client library would send.

const head = (line: string, ...headers: string[]) => [line, 'Host: localhost', ...headers, '', ''].join('\r\n')

const requests: Readonly<Record<string, string>> = {
  'a method that nobody knows': head('FOO /v1/me HTTP/1.1'),
  'a method in lower case': head('get /v1/me HTTP/1.1'),
  'a tunnel': head('CONNECT example.com:443 HTTP/1.1'),
  'the path of another host': head('GET http://example.com/v1/me HTTP/1.1'),
  'no path': head('GET * HTTP/1.1'),
  'a path without its slash': head('GET v1/me HTTP/1.1'),
  'NUL in the path': head('GET /v1/me\0 HTTP/1.1'),
  'a blank in the path': head('GET /v1/ me HTTP/1.1'),
  'bytes beyond ASCII in the path': head('GET /v1/m\u00e9 HTTP/1.1'),
  'a path without end': head(`GET /v1/${'x'.repeat(200_000)} HTTP/1.1`),
  'no host': 'GET /v1/me HTTP/1.1\r\n\r\n',
  'two lengths': head('POST /v1/login HTTP/1.1', 'Content-Length: 2', 'Content-Length: 3') + '{}',
  'a length and chunks':
    head('POST /v1/login HTTP/1.1', 'Content-Length: 2', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
  'a length that is none': head('POST /v1/login HTTP/1.1', 'Content-Length: -1'),
  'a header without a name': head('GET /v1/me HTTP/1.1', ': x'),
  'a header folded': head('GET /v1/me HTTP/1.1', 'X-A: b', ' c'),
  'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
}

interface RawAnswer {
  readonly what: string
  /** Undefined where the connection was closed without a word. */
  readonly status: number | undefined
  readonly body: unknown
}

/** What each of them is answered. */
export function rawAnswers(url: string): Promise<RawAnswer[]> {
  return Promise.all(
    Object.entries(requests).map(async ([what, text]) => {
      const answer = await exchange(url, text)
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]
      const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
      return { what, status: status === undefined ? undefined : Number(status), body: parsed(body) }
    }),
  )
}

function exchange(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(text, 'latin1'))
    const done = () => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString()
      if (isWhole(answer)) done()
    })
    socket.on('close', done)
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? done() : reject(error)))
  })
}

function isWhole(answer: string): boolean {
  const length = /content-length: (\d+)/i.exec(answer)?.[1]
  const start = answer.indexOf('\r\n\r\n')
  return start >= 0 && length !== undefined && Buffer.byteLength(answer.slice(start + 4)) >= Number(length)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
