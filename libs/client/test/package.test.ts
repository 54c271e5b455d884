import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** What an app writes. Where a type were lost on the way, one of these lines would compile. */
const app = `
import { createClient } from '@latchkey/client'
import type { AnswerOf } from '@latchkey/client/calls'
import { isRefusal } from '@latchkey/client/refusal'
import { inLocalStorage, inMemory } from '@latchkey/client/storage'

const latchkey = createClient({ storage: inMemory() })
export const stored = () => createClient({ storage: inLocalStorage() })
export const name = async (): Promise<string | null> => (await latchkey.getMe()).user.name
export const last: AnswerOf<'listSessions'>['sessions'][number]['lastUsedAt'] = 'now'
export const left = (error: unknown): number | undefined =>
  isRefusal(error, 'challenge.wrong') ? error.attemptsLeft : undefined
// @ts-expect-error
export const wrong = (error: unknown) => isRefusal(error, 'challenge.wrongly')
// @ts-expect-error
export const number = async (): Promise<number> => (await latchkey.getMe()).user.name
// @ts-expect-error
export const other: AnswerOf<'listSessions'>['sessions'][number]['lastUsedAt'] = 7
process.exitCode = (await latchkey.endSession()) === undefined ? 0 : 1
`

t.test('what is published is whole: an app that has nothing else compiles with its types, and runs', async (t) => {
  const folder = t.testdir({ 'app.ts': app, 'package.json': '{"type":"module"}' })
  const packed = execFileSync(
    'npm',
    [
      'pack',
      '--json',
      '--offline',
      '--pack-destination',
      folder,
      '-w',
      '@latchkey/client',
      '-w',
      '@latchkey/contracts',
    ],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const packages = packagesOf(JSON.parse(packed))
  const modules = join(folder, 'node_modules')
  for (const { name, filename, files } of packages) {
    const place = join(modules, name)
    mkdirSync(place, { recursive: true })
    execFileSync('tar', ['-xzf', join(folder, filename), '-C', place, '--strip-components', '1'])
    const paths = files.map(({ path }) => path)
    t.ok(paths.includes('LICENSE'))
    if (name === '@latchkey/client') t.ok(paths.includes('README.md'))
    for (const path of paths) t.notMatch(path, /test|internal|queue|challenge-record|tsbuildinfo/, `${name} ${path}`)
  }
  t.equal(packages.length, 2)
  const manifest = JSON.parse(readFileSync(join(modules, '@latchkey/client/package.json'), 'utf8'))
  t.strictSame([manifest.private, manifest.sideEffects], [undefined, false])
  symlinkSync(join(root, 'node_modules/typebox'), join(modules, 'typebox'))
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2023',
        module: 'nodenext',
        lib: ['es2023'],
        strict: true,
        skipLibCheck: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
      },
    }),
  )
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { stdio: 'inherit' })
  execFileSync(process.execPath, [join(folder, 'app.js')], { stdio: 'inherit' })
})

/** npm tells by name from version 11 on, and in a list before. */
function packagesOf(told: any): { name: string; filename: string; files: { path: string }[] }[] {
  return Array.isArray(told) ? told : Object.values(told)
}
