import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { leasePort } from '@latchkey/kit/port-lease'

/** Whether a server could listen on this port, on every address a browser may take for localhost. */
export async function isFree(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '0.0.0.0', '::1']) {
    if ((await listenError(port, host)) === 'EADDRINUSE') return false
  }
  return true
}

/** A port nobody uses, below those that systems give to outgoing connections, so that none of these takes it before we do. */
export async function pickPort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 30_000)
    if ((await isFree(port)) && leasePort(port)) return port
  }
}

function listenError(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/** What a server says first to these bytes; undefined when nobody answers in time. */
export function exchange(
  address: { host: string; port: number },
  bytes: string,
  withinMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(address)
    const end = (answer: string | undefined) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(withinMs, () => end(undefined))
    socket.once('error', () => end(undefined))
    socket.once('connect', () => socket.write(bytes))
    socket.once('data', (data) => end(data.toString()))
  })
}
