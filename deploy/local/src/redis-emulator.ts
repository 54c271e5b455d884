import { createRedisCommandExecutor, RedisServerState, Resp2Server } from 'js-redis-server/core'
import { pickPort } from './ports.js'
import type { Store } from './store.js'

/** The last resort of `npm start` where no Redis can be had: an emulator inside this process that forgets everything. */
export async function startRedisEmulator(): Promise<Store> {
  const port = await pickPort()
  const emulator = new Resp2Server({ server: new RedisServerState(), executor: createRedisCommandExecutor() })
  // Its own `listen` takes every address; only loopback may reach a server without a password.
  await new Promise<void>((resolve, reject) => {
    emulator.server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    what: 'js-redis-server, an emulator in memory: nothing in it survives a restart (install valkey-server or redis-server, or set REDIS_URL)',
    stop: () => emulator.close(),
  }
}
