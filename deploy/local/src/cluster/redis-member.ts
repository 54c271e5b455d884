import { join } from 'node:path'
import { LaunchError } from '../launch-error.js'
import { startRedis } from '../redis.js'
import { keepMember, type Member, type Place } from './member.js'

type Settings = Pick<Parameters<typeof startRedis>[0], 'settings' | 'sentinel' | 'databases'>

/** A Redis of the picture, or one that watches another. */
export function keepRedis(name: string, port: number, { dir, logDir, cache }: Place, more: Settings): Promise<Member> {
  return keepMember(name, port, async () => {
    const own = { dir: join(dir, name), logFile: join(logDir, `${name}.log`), cache, port }
    const store = await startRedis({ ...own, ...more })
    if (store === undefined) throw new LaunchError('there is no Redis on this machine')
    return store
  })
}
