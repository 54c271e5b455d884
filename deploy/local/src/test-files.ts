import { existsSync, readdirSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
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

/** Test files that run one after another in one process. */
export interface Batch {
  readonly name: string
  readonly files: readonly string[]
}

/** Loading a service takes longer than most of its test files do. Those of these parts share processes, but for files that change the root of all tests. */
const shared = ['services/auth-gateway', 'services/users'] as const
const byThemselves = /\/(?:dev-phone|switches)\.test\.js$/
const mostInBatch = 8

/** All files, in as few processes as serves. */
export function batches(files: readonly string[]): Batch[] {
  const groups = shared.map((part) => files.filter((file) => file.startsWith(`${part}/`) && !byThemselves.test(file)))
  const alone = files.filter((file) => !groups.flat().includes(file))
  return [...groups.flatMap(inBatches), ...alone.map((file) => batch(file))]
}

function inBatches(files: readonly string[]): Batch[] {
  const count = Math.ceil(files.length / mostInBatch)
  // Dealt out like cards, for neighbours by name are often alike in length.
  return Array.from({ length: count }, (_, nth) => batch(...files.filter((_file, at) => at % count === nth)))
}

function batch(...files: string[]): Batch {
  const [first = '', ...more] = files
  const [part = ''] = first.split('/dist/')
  const names = files.map((file) => basename(file, '.test.js'))
  return { name: more.length === 0 ? first : `${part}: ${names.join(', ')}`, files }
}
