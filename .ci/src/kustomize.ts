import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly [field: string]: unknown
}

interface ConfigMap {
  readonly name: string
  readonly behavior?: 'merge'
  readonly literals: readonly string[]
}

interface Kustomization {
  readonly namespace?: string
  readonly resources?: readonly string[]
  readonly images?: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[]
  readonly configMapGenerator?: readonly ConfigMap[]
  readonly patches?: readonly { readonly path: string }[]
}

const understood = new Set([
  'apiVersion',
  'kind',
  'labels',
  'namespace',
  'resources',
  'images',
  'configMapGenerator',
  'patches',
])

/**
 * What `kustomize build` makes of a folder, as far as ours use it: resources, patches that are merged, generated config maps without the hash
 * in their names, images, a namespace. Throws where a reference leads nowhere, or where a folder asks for more.
 */
export function build(folder: string): Manifest[] {
  const file = join(folder, 'kustomization.yaml')
  const wanted = parse(readFileSync(file, 'utf8')) as Kustomization
  for (const key of Object.keys(wanted)) if (!understood.has(key)) throw new Error(`${file}: ${key} is not understood`)
  const resources = (wanted.resources ?? []).flatMap((resource) => {
    const path = join(folder, resource)
    if (!existsSync(path)) throw new Error(`${file}: there is no ${resource}`)
    return statSync(path).isDirectory() ? build(path) : documents(path)
  })
  const maps = (wanted.configMapGenerator ?? []).map(toConfigMap)
  const merges = (wanted.patches ?? []).flatMap(({ path }) => documents(join(folder, path)))
  const patched = [...merges, ...maps.filter(({ merge }) => merge).map(({ map }) => map)].reduce(
    (all, patch) => apply(all, patch, file),
    [...resources, ...maps.filter(({ merge }) => !merge).map(({ map }) => map)],
  )
  const { namespace } = wanted
  const placed = patched.map((manifest) =>
    namespace === undefined || manifest.kind === 'Namespace'
      ? manifest
      : { ...manifest, metadata: { ...manifest.metadata, namespace } },
  )
  return rename(placed, wanted.images ?? [], file)
}

const documents = (path: string): Manifest[] =>
  parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS() as Manifest)

function toConfigMap({ name, behavior, literals }: ConfigMap) {
  const data = Object.fromEntries(
    literals.map((literal) => [literal.slice(0, literal.indexOf('=')), literal.slice(literal.indexOf('=') + 1)]),
  )
  const map: Manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
  return { merge: behavior === 'merge', map }
}

function apply(all: readonly Manifest[], patch: Manifest, file: string): Manifest[] {
  const meant = (each: Manifest) => each.kind === patch.kind && each.metadata.name === patch.metadata.name
  if (all.filter(meant).length !== 1) throw new Error(`${file}: a patch of no ${patch.kind} ${patch.metadata.name}`)
  return all.map((each) => (meant(each) ? (merge(each, patch) as Manifest) : each))
}

/** Lists are replaced: those of the fields that we patch have no key to merge by. */
function merge(base: unknown, patch: unknown): unknown {
  if (!isObject(base) || !isObject(patch)) return patch
  const merged = Object.entries(patch).map(([key, value]) => [key, merge(base[key], value)])
  return { ...base, ...Object.fromEntries(merged) }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function rename(all: readonly Manifest[], images: NonNullable<Kustomization['images']>, file: string): Manifest[] {
  return images.reduce<Manifest[]>(
    (manifests, { name, newName, newTag }) => {
      const before = JSON.stringify(manifests)
      const after = before.replaceAll(`"image":"${name}"`, `"image":"${newName}:${newTag}"`)
      if (before === after) throw new Error(`${file}: nothing runs ${name}`)
      return JSON.parse(after) as Manifest[]
    },
    [...all],
  )
}
