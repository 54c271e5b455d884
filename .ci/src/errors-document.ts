import { type ErrorCode, type ErrorEntry, errorAnchor, errors, errorType } from '@latchkey/contracts/errors'

type Member = NonNullable<ErrorEntry['members']>[number]

const members: Record<Member, { meaning: string; example: unknown }> = {
  attemptsLeft: { meaning: 'wrong answers that are still allowed', example: 4 },
  retryAt: {
    meaning: 'when to try again (RFC 3339); `Retry-After` says the same in seconds',
    example: '2026-11-21T10:00:30.000Z',
  },
  errors: {
    meaning: 'each field that is not valid, as a JSON Pointer, and why',
    example: [{ path: '/phone', message: 'is missing' }],
  },
  reasons: { meaning: 'each rule the password breaks', example: ['it is one of the most used passwords'] },
}

const head = `# Errors

Every failure of \`/v1\` is an \`application/problem+json\` document (RFC 9457). \`code\` is what programs decide on; \`type\` leads to the
entry below, which a running gateway serves at \`/docs/errors\` too; \`detail\` is for people and may change. Every answer carries
\`x-request-id\`.

Generated from \`libs/contracts/src/errors.ts\` by \`npm run docs\`: edit the catalogue, not this page.
`

/** docs/errors.md: one entry per code of the catalogue, by status. */
export function errorsDocument(): string {
  const codes = (Object.keys(errors) as ErrorCode[]).sort((a, b) => errors[a].status - errors[b].status)
  const table = codes.map(
    (code) => `| [\`${code}\`](#${errorAnchor(code)}) | ${errors[code].status} | ${errors[code].title} |`,
  )
  return [head, '| code | status | meaning |', '|---|---|---|', ...table, '', ...codes.map(entry)].join('\n')
}

function entry(code: ErrorCode): string {
  const { status, title, detail, members: own = [] }: ErrorEntry = errors[code]
  const example = {
    type: errorType(code),
    title,
    status,
    code,
    detail,
    ...Object.fromEntries(own.map((member) => [member, members[member].example])),
  }
  const meanings = own.map((member) => `- \`${member}\`: ${members[member].meaning}`)
  return `<a id="${errorAnchor(code)}"></a>

## ${code}

${status} · ${title}.

**What to do:** ${detail}
${meanings.length === 0 ? '' : `\n${meanings.join('\n')}\n`}
\`\`\`json
${JSON.stringify(example, null, 2)}
\`\`\`
`
}
