/** The name of a statement, by its text; undefined for one that is to be parsed and planned anew each time. */
export type NameStatement = (text: string, parameters: readonly unknown[]) => string | undefined

/** Lists make a text of every length: what has so many parameters is one. */
const mostParameters = 40
/** Each is kept by each connection. There are about a hundred; what comes after so many is served all the same. */
const mostNames = 300

/** Names what comes again and again: Postgres parses and plans it once a connection, until the tables in it change. */
export function createStatementNames(): NameStatement {
  const names = new Map<string, string>()
  return function nameStatement(text, { length }) {
    if (length === 0 || length > mostParameters) return undefined
    const known = names.get(text)
    if (known !== undefined || names.size >= mostNames) return known
    const name = `latchkey_${names.size + 1}`
    names.set(text, name)
    return name
  }
}
