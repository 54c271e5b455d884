import { closeSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { type Debian, unpackDebian } from '../debian-package.js'
import { LaunchError } from '../launch-error.js'
import { logTail } from '../log-tail.js'
import { startTethered, type Tethered } from '../tether.js'
import { waitFor } from './wait-for.js'

interface Served {
  readonly wanted: Debian
  readonly args: readonly string[]
  readonly port: number
  readonly cache: string
  readonly logFile: string
  /** It refuses to be root. */
  readonly asNobody?: boolean
}

/** Starts a program of the distribution, unpacked where it is not installed, and waits until it listens. */
export async function startServer({ wanted, args, port, cache, logFile, asNobody = false }: Served): Promise<Tethered> {
  const found = await unpackDebian(wanted, cache)
  if (found === undefined) throw new LaunchError(`there is no ${wanted.name}, and no Debian package to take it from`)
  const output = openSync(logFile, 'a')
  const { command, env } = found
  const server = await startTethered({ command, args, env, output, ifOrphaned: 'SIGKILL', asNobody })
  closeSync(output)
  let gone = false
  void server.ended.then(() => (gone = true))
  await waitFor(`${wanted.name} to listen`, async () => {
    if (gone) throw new LaunchError(`${wanted.name} did not start`, { details: logTail(logFile) })
    return listens(port)
  })
  return server
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
