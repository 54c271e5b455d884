import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'

/** What holds programs for one platform, or reads files of its own beside itself, stays an installed package. */
const installed = [
  /^@node-rs\//,
  /^msgpackr-extract$/,
  /^@bull-board\//,
  /^@fastify\/swagger/,
  /^@zxcvbn-ts\//,
  /^pino$/,
  /^twilio$/,
]

/**
 * Makes one file of a built service and of all it imports, `dist/bundle/main.js`: two thousand small modules take most
 * of the time a service needs to start. What it imports later, if at all, is a file beside it.
 */
export async function bundleService(folder: string): Promise<void> {
  const dir = join(folder, 'dist/bundle')
  const build = await rolldown({
    input: join(folder, 'dist/src/main.js'),
    platform: 'node',
    external: installed,
    // What is bundled is JavaScript; the root's names every workspace, and an image has but some.
    tsconfig: false,
    plugins: [ownModules(dir)],
    onLog: (_level, log) => {
      throw new Error(log.message)
    },
  })
  try {
    await build.write({
      dir,
      format: 'esm',
      chunkFileNames: '[name].js',
      sourcemap: true,
      sourcemapExcludeSources: true,
    })
  } finally {
    await build.close()
  }
}

/** Our modules find the files that belong to them where they were built, wherever their code is now; and errors lead to their sources. */
function ownModules(dir: string): Plugin {
  return {
    name: 'own-modules',
    load: {
      filter: { id: { include: /\/dist\/src\/.*\.js$/, exclude: /node_modules/ } },
      handler: (file) => {
        const place = `new URL(${JSON.stringify(relative(dir, file))}, import.meta.url).href`
        const code = readFileSync(file, 'utf8').replaceAll('import.meta.url', place)
        return { code, map: readFileSync(`${file}.map`, 'utf8') }
      },
    },
    // Node reads a map whole with the first stack it tells of: lines of others are not worth a tenth of a second.
    transform: { filter: { id: /node_modules/ }, handler: (code) => ({ code, map: { mappings: '' } }) },
  }
}
