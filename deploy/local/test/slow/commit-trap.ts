import { connect, createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface CommitTrap {
  readonly port: number
  /**
   * The next COMMIT never gets through (`before`), or gets through and its answer does not (`after`): its connection falls
   * silent, as a lost network does. Resolves when that has happened.
   */
  set(where: 'before' | 'after'): Promise<void>
}

/** A door in front of PostgreSQL that can shut in the worst moment. */
export async function startCommitTrap(t: Test, target: { host: string; port: number }): Promise<CommitTrap> {
  const sockets = new Set<Socket>()
  let armed: { where: 'before' | 'after'; sprung: () => void } | undefined
  const server = createServer((inner) => {
    const outer = connect(target)
    let silent = false
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
    inner.on('data', (chunk) => {
      const trap = isCommit(chunk) ? armed : undefined
      if (trap !== undefined) {
        armed = undefined
        silent = true
        trap.sprung()
        if (trap.where === 'before') return
      }
      outer.write(chunk)
    })
    outer.on('data', (chunk) => silent || inner.write(chunk))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    set: (where) => new Promise((sprung) => (armed = { where, sprung })),
  }
}

/** A simple query, or the Parse message of an extended one. */
const isCommit = (chunk: Buffer): boolean => /commit\0/i.test(chunk.toString('latin1'))
