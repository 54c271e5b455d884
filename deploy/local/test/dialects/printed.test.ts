import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../../src/places.js'
import type { Document, Printed } from './document.js'
import { documents } from './fixtures/documents.js'

// The documents are not ours to publish: where they lie beside the checkout, the fixtures are compared with them.
const folder = process.env['DIALECT_DOCUMENTS'] ?? join(root, '../shared/seeds')
const linesOf = (text: string) => text.split('\n').map((line) => line.trimEnd())

/** Whether the lines of the document from the one that is named say what the fixture says. */
function isPrinted({ line, text }: Printed, document: readonly string[]): boolean {
  const wanted = linesOf(text)
  return document.slice(line - 1, line - 1 + wanted.length).join('\n') === wanted.join('\n')
}

/** The blocks of a document that are a body, an answer or a command, and the lines of prose that hold a call, a body or an answer. */
function examplesIn(document: readonly string[]): Printed[] {
  const found: Printed[] = []
  let open: { language: string; line: number } | undefined
  document.forEach((text, at) => {
    const fence = /^```(\w*)/.exec(text)
    if (fence !== null && open === undefined) open = { language: fence[1] ?? '', line: at + 2 }
    else if (fence !== null && open !== undefined) {
      if (open.language === 'json' || open.language === 'bash')
        found.push({ line: open.line, text: document.slice(open.line - 1, at).join('\n') })
      open = undefined
    } else if (open === undefined && /`\{[^}]+\}`|(GET|POST) \/(api|auth)\//.test(text))
      found.push({ line: at + 1, text })
  })
  return found
}

/** What a document prints and no fixture holds. */
function uncovered(document: readonly string[], { examples }: Pick<Document, 'examples'>): Printed[] {
  const held = examples.flatMap(({ printed }) => printed)
  return examplesIn(document).filter(
    ({ line, text }) =>
      !held.some(
        (fixture) =>
          fixture.line === line && isPrinted(fixture, document) && linesOf(fixture.text).length >= linesOf(text).length,
      ),
  )
}

t.test(
  'a call, a block or an inline body that no fixture holds is found, and so is a fixture that says another thing',
  async (t) => {
    const document = [
      '# A face',
      '`POST /api/a` takes `{ b }`',
      '```json',
      '{ "c": 1 }',
      '```',
      '```sql',
      'model',
      '```',
    ]
    t.same(examplesIn(document), [
      { line: 2, text: '`POST /api/a` takes `{ b }`' },
      { line: 4, text: '{ "c": 1 }' },
    ])
    t.equal(uncovered(document, { examples: [] }).length, 2)
    t.notOk(isPrinted({ line: 4, text: '{ "c": 2 }' }, document))
    t.notOk(isPrinted({ line: 5, text: '{ "c": 1 }' }, document))
  },
)

for (const document of documents) {
  const path = join(folder, document.file)
  t.test(
    `${document.file}: its fixtures stand in it, and nothing it prints is without a fixture`,
    { skip: !existsSync(path) && 'the document is not at hand' },
    async (t) => {
      const lines = linesOf(readFileSync(path, 'utf8'))
      for (const printed of document.examples.flatMap((example) => example.printed))
        t.ok(isPrinted(printed, lines), `line ${printed.line}`)
      t.same(uncovered(lines, document), [])
    },
  )
}
