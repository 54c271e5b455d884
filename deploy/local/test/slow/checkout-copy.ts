import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../../src/places.js'

/** A checkout of its own in which sources may be changed. Installed packages are shared with the original. */
export interface CheckoutCopy {
  readonly folder: string
  /** Puts one text in place of another that stands in a file once, and builds what the file belongs to. */
  change(file: string, take: string, put: string): Promise<void>
  /** Puts the file back as it was. The next change builds it. */
  restore(file: string): void
}

const run = promisify(execFile)
const notCopied = new Set(['node_modules', '.git', '.latchkey', '.turbo', '.env'])

/** Copies this checkout, built as it is, to a folder that does not exist yet. */
export async function copyCheckout(folder: string): Promise<CheckoutCopy> {
  cpSync(root, folder, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !notCopied.has(path.slice(path.lastIndexOf('/') + 1)),
  })
  for (const workspace of ['', ...workspaces(folder)]) linkPackages(workspace, folder)
  await build(folder, '.')
  let restored: string | undefined
  return {
    folder,
    async change(file, take, put) {
      const text = readFileSync(join(root, file), 'utf8')
      // A function: `$` in a replacement text is no pattern.
      writeFileSync(
        join(folder, file),
        text.replace(take, () => put),
      )
      for (const workspace of new Set([restored ?? workspaceOf(file), workspaceOf(file)]))
        await build(folder, workspace)
    },
    restore(file) {
      writeFileSync(join(folder, file), readFileSync(join(root, file)))
      restored = workspaceOf(file)
    },
  }
}

const workspaceOf = (file: string) => /^(?:\.ci|[^/]+\/[^/]+)/.exec(file)?.[0] ?? '.'

const workspaces = (folder: string): string[] => [
  '.ci',
  ...['libs', 'services', 'deploy'].flatMap((group) =>
    readdirSync(join(folder, group)).map((name) => join(group, name)),
  ),
]

/** Links to every installed package, but for our own: npm's links to those are relative, and so lead into the copy. */
function linkPackages(workspace: string, folder: string): void {
  const [from, to] = [join(root, workspace, 'node_modules'), join(folder, workspace, 'node_modules')]
  if (!existsSync(from)) return
  mkdirSync(to)
  for (const name of readdirSync(from)) {
    if (name === '@latchkey') cpSync(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true })
    else symlinkSync(join(from, name), join(to, name))
  }
}

/** Runs the build script of a workspace, or compiles all. Rejects with what it printed. */
async function build(folder: string, workspace: string): Promise<void> {
  const { scripts } = JSON.parse(readFileSync(join(folder, workspace, 'package.json'), 'utf8')) as {
    scripts: { build: string }
  }
  const command = workspace === '.' ? 'tsc -b' : scripts.build
  await run('sh', ['-c', command], {
    cwd: join(folder, workspace),
    env: { PATH: `${join(folder, 'node_modules/.bin')}${delimiter}${process.env['PATH']}` },
  }).catch((error: { stdout?: string; stderr?: string }) => {
    throw new Error(`${workspace} does not compile:\n${error.stdout ?? ''}${error.stderr ?? ''}`)
  })
}
