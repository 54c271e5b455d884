/** Of 32 random bytes or characters so few different ones come by no chance. */
const fewestDifferent = 8

/**
 * What is wrong with keys and secrets beyond their shape: one that no generator made, and one that has two jobs, or stands twice in a
 * ring. Variables that hold rings or single keys (`id:base64`) are compared by their bytes, since base64 has several spellings. Names
 * are told, never values.
 */
export function keyProblems(
  variables: Readonly<Record<string, string | undefined>>,
  { bare = [] }: { bare?: readonly string[] } = {},
): string[] {
  const problems: string[] = []
  const owners = new Map<string, string>()
  for (const [name, text] of Object.entries(variables)) {
    const isBare = bare.includes(name)
    const keys = text === undefined ? [] : isBare ? [text] : text.split(',').map(withoutId)
    for (const key of keys) {
      const bytes = Buffer.from(key, 'base64')
      if (new Set(key).size < fewestDifferent || (!isBare && new Set(bytes).size < fewestDifferent))
        problems.push(`${name} holds a key that is not random: make one with npm run keys -- create`)
      const owner = owners.get(bytes.toString('hex'))
      if (owner === name) problems.push(`${name} holds one key twice`)
      else if (owner !== undefined) problems.push(`${owner} and ${name} must be different keys: they hold the same one`)
      owners.set(bytes.toString('hex'), name)
    }
  }
  return [...new Set(problems)]
}

const withoutId = (entry: string): string => entry.slice(entry.indexOf(':') + 1).trim()
