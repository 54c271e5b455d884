import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type Copy, DockerfileParser, type From, type Instruction } from 'dockerfile-ast'
import type { Test } from 'tap'

const run = promisify(execFile)

/** A stage as it came out: a folder in the place of its file system. */
export interface Stage {
  readonly folder: string
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  readonly command: readonly string[]
  readonly health: readonly string[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Does what Docker does with the stages of a Dockerfile, each in an empty folder, with nothing but what it copies: no engine is needed,
 * and what a step forgot is missing. Base images are this machine.
 */
export async function buildStages(t: Test, file: string, context: string): Promise<ReadonlyMap<string, Stage>> {
  const root = mkdtempSync(join(tmpdir(), 'latchkey-images-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const stages = new Map<string, Stage>()
  let stage: Mutable<Stage> | undefined
  for (const instruction of DockerfileParser.parse(readFileSync(file, 'utf8')).getInstructions()) {
    const keyword = instruction.getKeyword()
    const words = instruction.getArguments().map((argument) => argument.getValue())
    if (keyword === 'FROM') {
      const from = instruction as From
      const base = stages.get(from.getImage() ?? '')
      const folder = join(root, from.getBuildStage() ?? '')
      if (base === undefined) mkdirSync(folder)
      // Links: nothing is written to a file that is there.
      else await run('cp', ['-al', base.folder, folder])
      stage = { workdir: '/', env: {}, command: [], health: [], ...base, folder }
      stages.set(from.getBuildStage() ?? '', stage)
      continue
    }
    if (stage === undefined) continue
    const within = (path: string) => join(stage?.folder ?? '', path.startsWith('/') ? '' : (stage?.workdir ?? ''), path)
    switch (keyword) {
      case 'WORKDIR':
        stage.workdir = words[0] ?? '/'
        mkdirSync(within('.'), { recursive: true })
        break
      case 'ENV':
        stage.env = { ...stage.env, ...Object.fromEntries(words.map((word) => word.split('=', 2))) }
        break
      case 'COPY': {
        const from = (instruction as Copy)
          .getFlags()
          .find((flag) => flag.getName() === 'from')
          ?.getValue()
        const source = from === undefined || from === null ? context : (stages.get(from)?.folder ?? '')
        const to = words.at(-1) ?? ''
        for (const path of words.slice(0, -1)) copy(join(source, path), within(to), to.endsWith('/'))
        break
      }
      case 'RUN':
        await run('sh', ['-c', words.join(' ')], { cwd: within('.'), env: environment(stage.env), maxBuffer: 2 ** 26 })
        break
      case 'CMD':
        stage.command = listIn(instruction)
        break
      case 'HEALTHCHECK':
        stage.health = listIn(instruction)
    }
  }
  return stages
}

/** The words of an instruction that is written as a list. */
const listIn = (instruction: Instruction): string[] =>
  JSON.parse(/\[.*\]/.exec(instruction.getRawArgumentsContent() ?? '')?.[0] ?? '[]') as string[]

/** Of a folder its contents, as Docker does; not what was built or installed, as .dockerignore has it. */
function copy(from: string, to: string, intoFolder: boolean): void {
  const target = intoFolder ? join(to, basename(from)) : to
  mkdirSync(dirname(target), { recursive: true })
  const left = from.includes('latchkey-images-') ? /\0/ : /\/(?:node_modules|dist|\.turbo)$|\.tsbuildinfo$/
  cpSync(from, target, { recursive: true, verbatimSymlinks: true, filter: (source) => !left.test(source) })
}

/** Of this machine only what an image has, and where npm keeps what it has fetched. */
const environment = (env: Readonly<Record<string, string>>): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  TURBO_TELEMETRY_DISABLED: '1',
  npm_config_prefer_offline: 'true',
  ...env,
})
