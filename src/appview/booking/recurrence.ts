import { RRuleTemporal } from 'rrule-temporal'
import { Temporal } from 'temporal-polyfill'
import {
  type LocalTime,
  exists,
  instantOf,
  isLocalTime,
  isZone,
  localOf,
  minutesLater,
} from './local-time.ts'

/** As many as a series ever has, and how long it ever goes on (`domain.md` 11.2). */
export const INSTANCES_MAX = 730
const YEARS_MAX = 2

/** What repeats: times of the wall clock in one zone, by a rule of RFC 5545. */
export type Recurrence = {
  readonly localStart: LocalTime
  readonly timezone: string
  /** `FREQ=WEEKLY;BYDAY=MO`, with the parts that `readableRule` knows; `UNTIL` in UTC. */
  readonly rrule: string
  /** Times of the wall clock that the rule gives and that are left out. */
  readonly exDates?: readonly LocalTime[] | undefined
  /** Further times of the wall clock. */
  readonly rDates?: readonly LocalTime[] | undefined
}

/** One of a series: the wall clock there names it, also after it was moved. */
export type Instance = { readonly localStart: LocalTime; readonly start: number }

/** The short form of a rule: every so many days, weeks or months until a day. */
export type Shorthand = {
  readonly type: 'daily' | 'weekly' | 'monthly'
  readonly interval?: number | undefined
  /** The last instant at which one may begin, in milliseconds. */
  readonly endDate?: number | undefined
}

const DAY = '(MO|TU|WE|TH|FR|SA|SU)'
const NUMBERS = '-?\\d{1,3}(,-?\\d{1,3}){0,30}'
const PARTS: Readonly<Record<string, RegExp>> = {
  FREQ: /^(DAILY|WEEKLY|MONTHLY|YEARLY)$/,
  INTERVAL: /^[1-9]\d{0,2}$/,
  COUNT: /^[1-9]\d{0,3}$/,
  UNTIL: /^\d{8}T\d{6}Z$/,
  BYDAY: new RegExp(`^([+-]?\\d{1,2})?${DAY}(,([+-]?\\d{1,2})?${DAY}){0,20}$`),
  BYMONTHDAY: new RegExp(`^${NUMBERS}$`),
  BYMONTH: /^\d{1,2}(,\d{1,2}){0,11}$/,
  BYSETPOS: new RegExp(`^${NUMBERS}$`),
  WKST: new RegExp(`^${DAY}$`),
  RSCALE: /^GREGORIAN$/,
  SKIP: /^(OMIT|BACKWARD)$/,
}

/** Whether a rule is one that series here go by: days, not times of a day, no part twice, and not
 *  both a number and an end. */
export function readableRule(rrule: string): boolean {
  const parts = rrule.split(';').map((part) => part.split('='))
  const names = parts.map(([name]) => name!)
  const known = parts.every(
    ([name, value, more]) =>
      Object.hasOwn(PARTS, name!) && more === undefined && PARTS[name!]!.test(value ?? ''),
  )
  return (
    known &&
    new Set(names).size === names.length &&
    names.includes('FREQ') &&
    !(names.includes('COUNT') && names.includes('UNTIL')) &&
    (!names.includes('SKIP') || names.includes('RSCALE'))
  )
}

/** Whether a series can be read at all: a zone, times that the calendar has, and such a rule. */
export function readableRecurrence(r: Recurrence): boolean {
  const times = [r.localStart, ...(r.exDates ?? []), ...(r.rDates ?? [])]
  return isZone(r.timezone) && times.every(isLocalTime) && readableRule(r.rrule)
}

/** The rule that the short form means. */
export function ruleOf({ type, interval = 1, endDate }: Shorthand): string {
  const until = endDate === undefined ? '' : `;UNTIL=${basic(endDate)}`
  return `FREQ=${type.toUpperCase()};INTERVAL=${interval}${until}`
}

/** The instances of a series in order, and whether more would follow that it does not have: no
 *  more than 730 and none later than two years after the first. A time that the clocks leave out
 *  has no instance, but for the first, which is read with the offset before; of a time that
 *  comes twice the first counts. Empty when a rule finds nothing. */
export function expand(r: Recurrence): { instances: Instance[]; capped: boolean } {
  const { found, capped } = generated(r)
  const gone = new Set(r.exDates ?? [])
  const limit = minutesLater(r.localStart, YEARS_MAX * 366 * 24 * 60)
  const further = (r.rDates ?? []).filter((local) => local >= r.localStart && local <= limit)
  const times = [...new Set([...found, ...further])].filter((local) => !gone.has(local))
  const instances = times
    .map((localStart) => ({ localStart, start: instantOf(localStart, r.timezone) }))
    .toSorted((a, b) => a.start - b.start)
  return {
    instances: instances.slice(0, INSTANCES_MAX),
    capped: capped || instances.length > INSTANCES_MAX,
  }
}

/** A series as two: what was before an instance, and that one with what follows, which counts on
 *  from where the first ends. The second is a series of its own, so that each keeps its history
 *  (`domain.md` 11.2). Undefined when the rule gives no such instance, or nothing before it. */
export function splitAt(r: Recurrence, at: LocalTime): [Recurrence, Recurrence] | undefined {
  const { found } = generated(r)
  const { instances } = expand(r)
  const index = instances.findIndex(({ localStart }) => localStart === at)
  if (index <= 0 || !found.includes(at)) return undefined
  const before = found.filter((local) => local < at).length
  const parts = new Map(r.rrule.split(';').map((part) => part.split('=') as [string, string]))
  const rest = new Map(parts)
  const count = parts.get('COUNT')
  if (count !== undefined) rest.set('COUNT', String(Math.max(1, Number(count) - before)))
  const byDay = [...parts.keys()].some((name) => name.startsWith('BY'))
  if (parts.get('FREQ') === 'MONTHLY' && !byDay) sayDay(rest, Number(r.localStart.slice(8, 10)))
  parts.delete('COUNT')
  parts.set('UNTIL', basic(instances[index]!.start - 1000))
  const side = (of: readonly LocalTime[] | undefined, later: boolean) =>
    (of ?? []).filter((local) => local >= at === later)
  const part = (rule: Map<string, string>, localStart: LocalTime, later: boolean): Recurrence => ({
    localStart,
    timezone: r.timezone,
    rrule: [...rule].map(([name, value]) => `${name}=${value}`).join(';'),
    exDates: side(r.exDates, later),
    rDates: side(r.rDates, later),
  })
  return [part(parts, r.localStart, false), part(rest, at, true)]
}

/** Names the day of the month that a rule has from its first instance: what goes on from a shorter
 *  month would have the wrong one. */
function sayDay(rule: Map<string, string>, day: number): void {
  const backward = rule.get('SKIP') === 'BACKWARD' && day > 28
  const days = Array.from({ length: backward ? day - 27 : 1 }, (_, n) => day - n)
  rule.set('BYMONTHDAY', days.toReversed().join(','))
  if (backward) rule.set('BYSETPOS', '-1')
  for (const name of ['RSCALE', 'SKIP']) rule.delete(name)
}

/** The same series with its first instance at another time: what is left out and added moves
 *  along, and days of the week that the rule names do. Undefined where it names days of the
 *  month, or which Monday of it: what that becomes only a person can say. */
export function moved(r: Recurrence, to: LocalTime): Recurrence | undefined {
  const minutes = (Date.parse(`${to}Z`) - Date.parse(`${r.localStart}Z`)) / 60_000
  const days = daysBetween(r.localStart, to)
  const rrule = days === 0 ? r.rrule : ruleLater(r.rrule, days)
  if (rrule === undefined) return undefined
  const later = (of: readonly LocalTime[] | undefined) => of?.map((t) => minutesLater(t, minutes))
  const exDates = later(r.exDates)
  const rDates = later(r.rDates)
  return { ...r, rrule: untilLater(rrule, minutes), localStart: to, exDates, rDates }
}

function daysBetween(from: LocalTime, to: LocalTime): number {
  const day = (local: LocalTime) => Date.parse(`${local.slice(0, 10)}T00:00Z`)
  return (day(to) - day(from)) / 86_400_000
}

const WEEK = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU']

function ruleLater(rrule: string, days: number): string | undefined {
  const parts = rrule.split(';')
  if (parts.some((part) => /^(BYMONTHDAY|BYMONTH|BYSETPOS)=/.test(part))) return undefined
  const named = parts.find((part) => part.startsWith('BYDAY='))
  if (named === undefined) return rrule
  const names = named.slice('BYDAY='.length).split(',')
  if (!names.every((name) => WEEK.includes(name))) return undefined
  const later = names.map((name) => WEEK[(((WEEK.indexOf(name) + days) % 7) + 7) % 7])
  return parts.map((part) => (part === named ? `BYDAY=${later.join(',')}` : part)).join(';')
}

/** The end moves along, so that as many instances are left. */
function untilLater(rrule: string, minutes: number): string {
  return rrule.replace(/UNTIL=(\d{8}T\d{6}Z)/, (_, until: string) => {
    const at = Temporal.Instant.from(until).epochMilliseconds
    return `UNTIL=${basic(at + minutes * 60_000)}`
  })
}

/** What the rule alone gives. It is run on a clock without zone, and what a zone leaves out is left
 *  out afterwards: so a first instance in a gap does not pull the others along. */
function generated(r: Recurrence): { found: LocalTime[]; capped: boolean } {
  const parts = r.rrule.split(';')
  const kept = parts.filter((part) => !/^(COUNT|UNTIL)=/.test(part))
  const value = (name: string) => parts.find((part) => part.startsWith(`${name}=`))?.split('=')[1]
  const [count, until] = [value('COUNT'), value('UNTIL')]
  const end = until === undefined ? Infinity : Temporal.Instant.from(until).epochMilliseconds
  const last = minutesLater(r.localStart, YEARS_MAX * 366 * 24 * 60)
  const most = Math.min(Number(count ?? Infinity), INSTANCES_MAX)
  const start = Temporal.PlainDateTime.from(r.localStart).toZonedDateTime('UTC')
  const rule = new RRuleTemporal({
    rruleString: `RRULE:${kept.join(';')};UNTIL=${basic(Date.parse(`${last}Z`))}`,
    dtstart: start,
    temporal: Temporal,
    includeDtstart: true,
  })
  const found: LocalTime[] = []
  let more = false
  for (const at of occurrences(rule)) {
    const local = localOf(at, 'UTC')
    if (instantOf(local, r.timezone) > end) return { found, capped: false }
    if (local !== r.localStart && !exists(local, r.timezone)) continue
    more = found.length >= most
    if (more) break
    found.push(local)
  }
  const ended = found.length >= Number(count ?? Infinity)
  return { found, capped: more ? !ended : count !== undefined && !ended }
}

/** Each instant that a rule gives, in order; none where it never gives any. */
function occurrences(rule: RRuleTemporal<Temporal.ZonedDateTime>): number[] {
  try {
    return rule.all().map((at) => at.epochMilliseconds)
  } catch {
    return []
  }
}

function basic(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}
