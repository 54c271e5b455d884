import type { ContenderName, Figure } from './bench.js'

/** What a run came to, by the name of its rows. */
export type Results = ReadonlyMap<string, readonly Figure[]>

/** The middle of some values; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]]
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2
}

/** The median over the rounds of one figure; NaN where it was not measured. */
export function figureOf(results: Results, row: string, contender: ContenderName | 'bare parts', name: string): number {
  const found = results.get(row)?.find((figure) => figure.contender === contender && figure.name === name)
  return found === undefined ? Number.NaN : median(found.values)
}

/** A number as a person reads it: three digits that mean something. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (value !== 0 && Math.abs(value) < 100 && !Number.isInteger(value))
    return value.toPrecision(3).replace(/\.?0+$/, '')
  return Math.round(value).toLocaleString('en-US')
}
