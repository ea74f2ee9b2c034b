/** A half-open stretch of time `[start, end)` in milliseconds since 1970: what ends at ten does not
 *  touch what begins at ten. */
export type Span = { readonly start: number; readonly end: number }

/** Whether two stretches have an instant in common; an empty one has none. */
export function overlaps(a: Span, b: Span): boolean {
  return a.start < b.end && b.start < a.end && a.start < a.end && b.start < b.end
}

/** Whether all of `inner` lies in `outer`. */
export function contains(outer: Span, inner: Span): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}

/** The same instants as as few stretches as possible, in order; empty ones are left out. */
export function united(spans: readonly Span[]): Span[] {
  const sorted = spans.filter((s) => s.start < s.end).toSorted((a, b) => a.start - b.start)
  const merged: { start: number; end: number }[] = []
  for (const { start, end } of sorted) {
    const last = merged.at(-1)
    if (last && start <= last.end) last.end = Math.max(last.end, end)
    else merged.push({ start, end })
  }
  return merged
}

/** What is in both; both sides are taken as `united` gives them. */
export function common(a: readonly Span[], b: readonly Span[]): Span[] {
  const both: Span[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [left, right] = [a[i]!, b[j]!]
    const span = { start: Math.max(left.start, right.start), end: Math.min(left.end, right.end) }
    if (span.start < span.end) both.push(span)
    if (left.end < right.end) i += 1
    else j += 1
  }
  return both
}

/** What is in `from` and in none of `taken`, in order. */
export function without(from: readonly Span[], taken: readonly Span[]): Span[] {
  const gone = united(taken)
  return united(from).flatMap((span) => {
    const left: Span[] = []
    let { start } = span
    for (const { start: begins, end } of gone) {
      if (end <= start || begins >= span.end) continue
      if (begins > start) left.push({ start, end: begins })
      start = Math.max(start, end)
    }
    if (start < span.end) left.push({ start, end: span.end })
    return left
  })
}
