import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Import, importsOf, type Workspaces } from './imports.js'
import { type Rule, rules } from './rules.js'

export interface Breach {
  readonly rule: string
  /** `file:line imports target: because …` */
  readonly text: string
}

const groups = ['libs', 'services', 'deploy']

/** The workspaces of a checkout by their package names. */
export function readWorkspaces(root: string): Workspaces {
  const folders = ['.ci', ...groups.flatMap((group) => list(join(root, group)).map((name) => `${group}/${name}`))]
  return new Map(
    folders
      .filter((folder) => existsSync(join(root, folder, 'package.json')))
      .map((folder) => {
        const { name } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { name: string }
        return [name, folder]
      }),
  )
}

/** Every import under a folder laid out like the checkout that breaks a rule. */
export function findBreaches(root: string, workspaces: Workspaces): Breach[] {
  return sources(root).flatMap((file) => {
    const applying = rules.filter(({ from, except }) => matches(from, file) && !(except && matches(except, file)))
    if (applying.length === 0) return []
    const imports = importsOf(file, readFileSync(join(root, file), 'utf8'), workspaces)
    return applying.flatMap((rule) =>
      imports
        .filter((one) => breaks(rule, file, one))
        .map(({ line, target }) => ({ rule: rule.name, text: `${file}:${line} imports ${target}: ${rule.because}` })),
    )
  })
}

const matches = (pattern: string, text: string): boolean => new RegExp(pattern).test(text)

function breaks(
  { from, may, mayKnow = [], never = [], named }: Rule,
  file: string,
  { target, typeOnly, names }: Import,
): boolean {
  const group = new RegExp(from).exec(file)?.[1] ?? ''
  const isOneOf = (patterns: readonly string[]) =>
    patterns.some((pattern) => matches(pattern.replaceAll('$1', group), target))
  if (named !== undefined && !names.some((name) => matches(named, name) && !sameRoom(file, target))) return false
  if (isOneOf(never)) return true
  // The environment is no module: only a `never` speaks of it.
  if (may === undefined || target === 'process.env') return false
  return !isOneOf(may) && !(typeOnly && isOneOf(mayKnow))
}

const sameRoom = (file: string, target: string): boolean => dirname(file) === dirname(target)

/** TypeScript sources below `src` and `test` of every workspace, as paths from the root. */
function sources(root: string): string[] {
  const workspaces = ['.ci', ...groups.flatMap((group) => list(join(root, group)).map((name) => `${group}/${name}`))]
  return workspaces.flatMap((workspace) =>
    ['src', 'test'].flatMap((part) =>
      existsSync(join(root, workspace, part))
        ? readdirSync(join(root, workspace, part), { recursive: true, encoding: 'utf8' })
            .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('fixtures/'))
            .map((file) => `${workspace}/${part}/${file}`)
        : [],
    ),
  )
}

const list = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : [])
