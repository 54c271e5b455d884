import { connect, createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface CommitTrap {
  readonly port: number
  /**
   * The next COMMIT of a transaction that uses a challenge up never gets through (`before`), or gets through and its answer
   * does not (`after`): its connection falls silent, as a lost network does. Tells whether that has happened.
   */
  set(where: 'before' | 'after'): () => boolean
}

/** A door in front of PostgreSQL that can shut in the worst moment. */
export async function startCommitTrap(t: Test, target: { host: string; port: number }): Promise<CommitTrap> {
  const sockets = new Set<Socket>()
  let armed: { where: 'before' | 'after'; sprung: () => void } | undefined
  const server = createServer((inner) => {
    const outer = connect(target)
    let silent = false
    let uses = false
    /** What uses a challenge up by its name, once it was parsed. */
    const names = new Set<string>()
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
      const text = chunk.toString('latin1')
      for (const [, name = ''] of text.matchAll(parsed)) names.add(name)
      // The log of deliveries and the sweeper commit as well.
      uses ||= text.includes('consumed_challenges') || [...names].some((name) => text.includes(`\0${name}\0`))
      const trap = uses && isCommit(text) ? armed : undefined
      if (isCommit(text)) uses = false
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
    set(where) {
      let happened = false
      armed = { where, sprung: () => (happened = true) }
      return () => happened
    },
  }
}

/** A Parse message: the name of a statement, then its text. */
const parsed = /P[^]{4}(\w+)\0[^\0]*consumed_challenges/g

/** A simple query, or the Parse message of an extended one. */
const isCommit = (text: string): boolean => /commit\0/i.test(text)
