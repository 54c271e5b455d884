import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { cacheDir } from '../../src/places.js'
import { startPostgres } from '../../src/postgres.js'
import { startRedis } from '../../src/redis.js'
import type { Store } from '../../src/store.js'

/** A database server that belongs to one test, to be mistreated: its port and its data survive whatever is done to it. */
export interface Server {
  readonly url: string
  readonly dir: string
  /** SIGKILL, and until it is gone. */
  kill(): Promise<void>
  /** It keeps its connections and says nothing more. */
  freeze(): void
  thaw(): void
  /** Starts one that was killed; resolves when it takes commands. */
  restart(): Promise<void>
}

type Start = (place: { dir: string; logFile: string; port?: number }) => Promise<Store>

async function ownServer(t: Test, name: string, start: Start): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), `latchkey-${name}-`))
  const place = { dir: join(folder, 'data'), logFile: join(folder, 'log') }
  let store = await start(place)
  const { url } = store
  const signal = (what: NodeJS.Signals) => process.kill(store.pid ?? 0, what)
  let alive = true
  t.teardown(async () => {
    if (alive) signal('SIGCONT')
    await store.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    url,
    dir: place.dir,
    async kill() {
      alive = false
      signal('SIGKILL')
      await store.ended
    },
    freeze: () => void signal('SIGSTOP'),
    thaw: () => void signal('SIGCONT'),
    async restart() {
      store = await start({ ...place, port: Number(new URL(url).port) })
      alive = true
    },
  }
}

/** A Redis as production has it. */
export const ownRedisServer = (t: Test): Promise<Server> =>
  ownServer(t, 'redis', async (place) => {
    const store = await startRedis({ ...place, cache: cacheDir(place.dir) })
    if (store === undefined) throw new Error('there is no Redis on this machine')
    return store
  })

/** A PostgreSQL as production has it: what it committed survives SIGKILL. */
export const ownPostgresServer = (t: Test): Promise<Server> => ownServer(t, 'postgres', startPostgres)

/** The data of a server as they are at this moment, to be put back in place of what it has after its end. */
export function copyData({ dir }: Server): { putBack(): void } {
  const copy = `${dir}.copy`
  cpSync(dir, copy, { recursive: true })
  return {
    putBack() {
      rmSync(dir, { recursive: true })
      cpSync(copy, dir, { recursive: true })
    },
  }
}
