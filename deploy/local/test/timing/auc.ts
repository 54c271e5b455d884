/** How often one of the first is greater than one of the second, ties by half: 0.5 where nobody can tell them apart (Mann–Whitney). */
export function aucOf(first: readonly number[], second: readonly number[]): number {
  const all = [...first.map((value) => ({ value, own: true })), ...second.map((value) => ({ value, own: false }))].sort(
    (one, other) => one.value - other.value,
  )
  let ranks = 0
  for (let from = 0; from < all.length; ) {
    let to = from
    while (to < all.length && all[to]?.value === all[from]?.value) to += 1
    for (let at = from; at < to; at += 1) if (all[at]?.own) ranks += (from + 1 + to) / 2
    from = to
  }
  return (ranks - (first.length * (first.length + 1)) / 2) / (first.length * second.length)
}
