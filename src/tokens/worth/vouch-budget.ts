import { DAY, readInstant } from './read-instant.ts'

/** A record that says its author knows somebody to be a person. */
export type VouchRecord = {
  /** Its author. */
  readonly did: string
  /** Who is vouched for. */
  readonly to: string
  readonly createdAt: string
  readonly expiresAt?: string
}

/** How far somebody's word goes. */
export type VouchBudget = {
  /** Most people that one author may vouch for at a time. */
  readonly most: number
  /** How long a vouch counts that says nothing itself, days. */
  readonly days: number
  /** How long one counts at most, whatever it says, days. */
  readonly daysMost: number
}

/** A hundred people, for a year or what the record says, and never longer than two years: as web of
 *  trust currencies have it (Duniter: 100 certifications, two years each). */
export const VOUCH_BUDGET: VouchBudget = { most: 100, days: 365, daysMost: 730 }

/** Who vouches for whom. */
export type Vouch = { readonly from: string; readonly to: string }

/**
 * The vouches that count now, sorted by author, then by the person vouched for; the order of the
 * records changes nothing. A record counts from `createdAt` until it expires. Of several by one
 * author for one person the newest alone counts, so that it may shorten an older one. Of those of
 * one author that count, the oldest `most` stand; of equally old ones those for the smaller DID.
 *
 * Records that were withdrawn are deleted and so not among these: their place is free at once.
 * What is for the author itself, or has no readable time, counts for nothing. `createdAt` is the
 * author's claim: it can choose by it which of its own vouches stand, and renew one by writing it
 * anew, but never make one count for longer than `daysMost` without doing so.
 * `now` is milliseconds since 1970.
 */
export function countedVouches(
  records: Iterable<VouchRecord>,
  now: number,
  budget: VouchBudget = VOUCH_BUDGET,
): Vouch[] {
  const newest = new Map<string, Map<string, Span>>()
  for (const record of records) {
    const span = spanOf(record, budget)
    if (record.did === record.to || !span || span.from > now) continue
    const own = newest.get(record.did) ?? new Map<string, Span>()
    newest.set(record.did, own)
    const other = own.get(record.to)
    if (!other || isLater(span, other)) own.set(record.to, span)
  }
  return [...newest]
    .toSorted(([a], [b]) => order(a, b))
    .flatMap(([from, own]) => standing(own, now, budget).map((to) => ({ from, to })))
}

/** From when until when a record counts, milliseconds since 1970; the end is not part of it. */
type Span = { readonly from: number; readonly until: number }

function spanOf(record: VouchRecord, budget: VouchBudget): Span | undefined {
  const from = readInstant(record.createdAt)
  if (from === undefined) return undefined
  if (record.expiresAt === undefined) {
    return { from, until: from + Math.min(budget.days, budget.daysMost) * DAY }
  }
  const until = readInstant(record.expiresAt)
  return until === undefined
    ? undefined
    : { from, until: Math.min(until, from + budget.daysMost * DAY) }
}

/** Of two that begin at one time the one that ends sooner is taken for the later. */
function isLater(a: Span, b: Span): boolean {
  return a.from === b.from ? a.until < b.until : a.from > b.from
}

function standing(own: ReadonlyMap<string, Span>, now: number, { most }: VouchBudget): string[] {
  return [...own]
    .filter(([, { until }]) => now < until)
    .toSorted(([a, one], [b, other]) => one.from - other.from || order(a, b))
    .slice(0, most)
    .map(([to]) => to)
    .toSorted(order)
}

/** DIDs are ASCII, so this is the order of their bytes. */
function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
