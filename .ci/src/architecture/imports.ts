import { posix } from 'node:path'
import { parseSync, type Node, Visitor } from 'oxc-parser'

/** One dependency of a source file on something outside of it. */
export interface Import {
  readonly line: number
  /** `libs/kit/src/redis.ts`, `npm:fastify`, `node:fs`; reading the environment counts as importing `process.env`. */
  readonly target: string
  /** Imported for its types alone: gone after compilation. */
  readonly typeOnly: boolean
  /** Names imported as values, where they are named. */
  readonly names: readonly string[]
}

/** What a name like `@latchkey/kit` stands for: the folder of the workspace. */
export type Workspaces = ReadonlyMap<string, string>

interface Found {
  readonly at: Node
  readonly source: string
  readonly typeOnly: boolean
  readonly names?: readonly string[]
}

/** Everything a file imports, re-exports, loads or names the type of. */
export function importsOf(file: string, text: string, workspaces: Workspaces): Import[] {
  const { program, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`)
  const found: Found[] = []
  new Visitor({
    ImportDeclaration(node) {
      const named = node.specifiers.map((one) => ({
        name: one.type === 'ImportSpecifier' && one.imported.type === 'Identifier' ? one.imported.name : '*',
        isType: one.type === 'ImportSpecifier' && one.importKind === 'type',
      }))
      const typeOnly = node.importKind === 'type' || (named.length > 0 && named.every(({ isType }) => isType))
      const names = named.filter(({ isType }) => !isType && !typeOnly).map(({ name }) => name)
      found.push({ at: node, source: node.source.value, typeOnly, names })
      if (node.source.value === 'node:process' && names.includes('env')) found.push(environment(node))
    },
    ExportNamedDeclaration(node) {
      if (node.source) found.push({ at: node, source: node.source.value, typeOnly: node.exportKind === 'type' })
    },
    ExportAllDeclaration(node) {
      found.push({ at: node, source: node.source.value, typeOnly: node.exportKind === 'type' })
    },
    ImportExpression(node) {
      if (isText(node.source)) found.push({ at: node, source: node.source.value, typeOnly: false })
    },
    TSImportType(node) {
      found.push({ at: node, source: node.source.value, typeOnly: true })
    },
    TSExternalModuleReference(node) {
      found.push({ at: node, source: node.expression.value, typeOnly: false })
    },
    MemberExpression(node) {
      const { object, property } = node
      const name = property.type === 'Identifier' ? property.name : isText(property) ? property.value : ''
      if (object.type === 'Identifier' && object.name === 'process' && name === 'env') found.push(environment(node))
    },
    VariableDeclarator(node) {
      const { id, init } = node
      if (id.type === 'ObjectPattern' && init?.type === 'Identifier' && init.name === 'process')
        found.push(environment(node))
    },
  }).visit(program)
  return found.map(({ at, source, typeOnly, names = [] }) => ({
    line: text.slice(0, at.start).split('\n').length,
    target: resolve(file, source, workspaces),
    typeOnly,
    names,
  }))
}

const environment = (at: Node): Found => ({ at, source: 'process.env', typeOnly: false })

const isText = (node: Node): node is Node & { value: string } =>
  node.type === 'Literal' && typeof node.value === 'string'

function resolve(file: string, source: string, workspaces: Workspaces): string {
  if (source.startsWith('.')) return posix.join(posix.dirname(file), source).replace(/\.js$/, '.ts')
  if (source === 'process.env' || source.startsWith('node:')) return source
  const [scope = '', name = ''] = source.split('/')
  const packageName = scope.startsWith('@') ? `${scope}/${name}` : scope
  const folder = workspaces.get(packageName)
  if (folder === undefined) return `npm:${packageName}`
  return `${folder}/src/${source.slice(packageName.length + 1)}.ts`
}
