import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { testStores } from '@latchkey/kit/testing'
import t from 'tap'
import { root } from '../../src/places.js'
import { startStack } from '../../src/stack.js'

const page = readFileSync(join(root, 'docs/dialects.md'), 'utf8')
const blocksOf = (text: string, language: string) =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, of, block = '']) => (of === language ? [block] : []))
const escape = (text: string) => text.replace(/[/\\^$.*+?()[\]{}|]/g, '\\$&')
/** A printed answer: `…` stands for anything. */
const pattern = (line: string) => new RegExp(`^${line.split('…').map(escape).join('.*')}$`)

t.test('what docs/dialects.md has a front-end developer paste works, and prints what it says', async (t) => {
  const key = randomBytes(32).toString('base64')
  const stack = await startStack({ ...testStores(), env: { JODIMILAN_USER_KEY: key } })
  t.teardown(() => stack.stop())
  const script = ['set -euo pipefail', ...blocksOf(page, 'sh')]
    .join('\n')
    .replace('http://localhost:3000', stack.gatewayUrl)
  const { stdout } = await promisify(execFile)('bash', ['-c', script], {
    env: { ...process.env, JODIMILAN_USER_KEY: key },
  })
  const printed = stdout.trim().split('\n')
  const said = blocksOf(page, '').flatMap((block) => block.trim().split('\n'))
  t.ok(said.length > 20)
  t.equal(printed.length, said.length)
  said.forEach((line, at) => t.match(printed[at], pattern(line)))
})
