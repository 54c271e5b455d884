import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleService } from '@latchkey/bundle/bundle'
import { transformSync } from 'oxc-transform'
import { root } from '../../src/places.js'

/** A checkout of its own in which sources may be changed. Installed packages are shared with the original. */
export interface CheckoutCopy {
  readonly folder: string
  /** Puts one text in place of another that stands in a file once, in the source and in what was built of it. */
  change(file: string, take: string, put: string): void
  /** Makes the programs anew that a file is part of. */
  bundle(file: string): Promise<void>
  /** Puts the file back as it was. */
  restore(file: string): void
}

const notCopied = new Set(['node_modules', '.git', '.latchkey', '.turbo', '.env'])

/** Copies this checkout, built as it is, to a folder that does not exist yet. */
export function copyCheckout(folder: string): CheckoutCopy {
  cpSync(root, folder, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !notCopied.has(path.slice(path.lastIndexOf('/') + 1)),
  })
  for (const workspace of ['', ...workspaces(folder)]) linkPackages(workspace, folder)
  return {
    folder,
    change(file, take, put) {
      const text = readFileSync(join(root, file), 'utf8')
      // A function: `$` in a replacement text is no pattern.
      const changed = text.replace(take, () => put)
      writeFileSync(join(folder, file), changed)
      writeFileSync(join(folder, built(file)), file.endsWith('.ts') ? withoutTypes(file, changed) : changed)
    },
    bundle: async (file) => void (await Promise.all(programsWith(file).map((one) => bundleService(join(folder, one))))),
    restore(file) {
      const bundles = programsWith(file).map((one) => join(one, 'dist/bundle'))
      for (const each of [file, built(file), ...bundles])
        cpSync(join(root, each), join(folder, each), { recursive: true })
    },
  }
}

const programs = ['services/auth-gateway', 'services/sms-worker', 'services/users']
const programsWith = (file: string): string[] =>
  programs.filter((one) => file.startsWith(`${one}/src/`) || /^libs\/(?:contracts|kit)\//.test(file))

/** Where the build puts what becomes of a source file. */
const built = (file: string) => file.replace('/src/', '/dist/src/').replace(/\.ts$/, '.js')

/** What the compiler makes of a file, in a hundredth of its time: the types were checked before anything was taken away. */
function withoutTypes(file: string, text: string): string {
  const { code, errors } = transformSync(file, text, {
    typescript: { onlyRemoveTypeImports: true },
    target: 'es2023',
  })
  if (errors.length > 0) throw new Error(`${file} cannot be read: ${errors.map(({ message }) => message).join('; ')}`)
  return code
}

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
