import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Proxy {
  readonly port: number
  /** Connections stay open and say nothing more, as a lost network does. */
  freeze(): void
  thaw(): void
  /** From now on whatever the server says comes later by so much. */
  lag(ms: number): void
  /** What is asked on the open connections still arrives, and no answer comes back, for good. New ones are as they should be. */
  swallowAnswers(): void
  /** The connections of today stay silent for ever, as those to a machine that is gone; new ones work. */
  vanish(): void
  /** Ends every connection and refuses new ones. */
  cut(): Promise<void>
  /** Listens again, on the same port. */
  mend(): Promise<void>
  close(): Promise<void>
}

/** A door in front of a server, to shut in various ways. Starts listening unless told to be `away`. */
export async function startProxy(
  target: { host: string; port: number },
  { port = 0, away = false } = {},
): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const swallowing: (() => void)[] = []
  let frozen = false
  let lagMs = 0
  const server = createServer((inner) => {
    const outer = connect(target)
    let mute = false
    swallowing.push(() => (mute = true))
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => {
        if (mute && to === inner) return
        if (from === outer && lagMs > 0) setTimeout(() => to.write(chunk), lagMs)
        else to.write(chunk)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (frozen) from.pause()
    }
  })
  const listen = (at: number) =>
    new Promise<number>((resolve, reject) => {
      server.once('error', reject)
      server.listen(at, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
  async function cut(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }

  const chosen = away ? port : await listen(port)
  return {
    port: chosen,
    freeze() {
      frozen = true
      for (const socket of sockets) socket.pause()
    },
    thaw() {
      frozen = false
      for (const socket of sockets) socket.resume()
    },
    lag: (ms) => void (lagMs = ms),
    swallowAnswers() {
      for (const swallow of swallowing) swallow()
    },
    vanish() {
      frozen = false
      for (const socket of sockets) socket.pause().removeAllListeners('data')
    },
    cut,
    mend: async () => void (await listen(chosen)),
    close: cut,
  }
}

/** A URL with another host and port. */
export function through(url: string, port: number): string {
  const changed = new URL(url)
  changed.hostname = '127.0.0.1'
  changed.port = String(port)
  return changed.toString()
}

export const addressOf = (url: string, defaultPort: number): { host: string; port: number } => {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: port === '' ? defaultPort : Number(port) }
}
