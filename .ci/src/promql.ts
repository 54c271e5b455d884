import { parser } from '@prometheus-io/lezer-promql'

/** The series a query asks for: a name, and the labels it chooses by. */
export interface Selector {
  readonly name: string
  readonly labels: readonly string[]
}

/** What a query of Prometheus names; throws where it cannot be parsed. */
export function selectorsOf(query: string): Selector[] {
  const found: { name: string; labels: string[] }[] = []
  parser.parse(query).iterate({
    enter({ name, from, to, node }) {
      if (name === '⚠') throw new Error(`not PromQL at ${from}: ${query}`)
      if (name === 'VectorSelector') found.push({ name: '', labels: [] })
      const current = found.at(-1)
      const text = query.slice(from, to)
      if (current === undefined) return
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') current.name = text
      if (name === 'LabelName' && node.parent?.name === 'UnquotedLabelMatcher') current.labels.push(text)
    },
  })
  return found
}
