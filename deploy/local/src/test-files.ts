import { existsSync, readdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { root } from './places.js'

const workspaces = (): string[] => [
  '.ci',
  ...['libs', 'services', 'deploy'].flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name))),
]

/** The compiled file of a test, whichever of the two was named. */
const compiled = (file: string): string => file.replace(/\/(?:dist\/)?test\//, '/dist/test/').replace(/\.ts$/, '.js')
const source = (file: string): string => file.replace('/dist/test/', '/test/').replace(/\.js$/, '.ts')

/**
 * `npm test`, which is for every change; `npm run test:slow`, where processes are killed and outages waited for; and
 * `npm run test:timing`, which needs a machine where nothing else happens.
 */
export type Ring = 'test' | 'test:slow' | 'test:timing'

function ringOf(file: string): Ring {
  const [, folder] = /^deploy\/[^/]+\/dist\/test\/(slow|timing)\//.exec(file) ?? []
  return folder === undefined ? 'test' : (`test:${folder}` as Ring)
}

/** The compiled test files that were asked for, or all of the ring. One whose source is gone is left over from an earlier build, and not a test. */
export function testFiles(asked: readonly string[], ring: Ring): string[] {
  if (asked.length > 0) return asked.map((file) => relative(root, resolve(root, compiled(file))))
  return workspaces()
    .map((workspace) => join(workspace, 'dist/test'))
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .filter((file) => file.endsWith('.test.js') && existsSync(join(root, source(file))))
    .filter((file) => ringOf(file) === ring)
    .sort()
}
