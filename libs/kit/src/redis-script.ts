import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Redis } from './redis.js'

/**
 * Loads `name.<keys>.lua` and returns it as a function of its keys, then its arguments. The key count lives in the file
 * name; a line `--- @include "part"` stands for `part.lua` beside it.
 */
export function redisScript<Reply>(redis: Redis, file: URL): (...args: readonly (string | number)[]) => Promise<Reply> {
  const [name = '', keys = ''] = basename(file.pathname).split('.')
  const command = `latchkey_${name}`
  redis.defineCommand(command, { numberOfKeys: Number(keys), lua: source(file) })
  const call = Reflect.get(redis, command) as (...args: readonly (string | number)[]) => Promise<Reply>
  return (...args) => call.apply(redis, [...args])
}

function source(file: URL): string {
  return readFileSync(file, 'utf8').replace(/^--- @include "(.+)"$/gm, (_line, part: string) =>
    readFileSync(new URL(`${part}.lua`, file), 'utf8'),
  )
}
