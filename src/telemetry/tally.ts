import {
  type CounterName,
  type EventName,
  type Events,
  type HistogramName,
  type LabelsOf,
  declarations,
} from '../events.ts'

/** Labels as they are looked up. */
export type AnyLabels = Readonly<Record<string, string>>

/** The values of one label set. `counts` has one bucket more than bounds, for what is above. */
export type Series = {
  readonly labels: AnyLabels
  /** a counter's value, or the sum of a histogram's */
  sum: number
  /** values of a histogram, by bucket; empty for a counter */
  readonly counts: number[]
}

/** What was counted since the start, to be read at any time. */
export type Tally = Events & { read(name: EventName): readonly Series[] }

/** More label sets than this of one name are a mistake: further ones are counted together. */
const SERIES_MAX = 2_000
/** The label that OpenTelemetry gives to those. */
const OVERFLOW = { 'otel.metric.overflow': 'true' }

type Branch = Map<string, Branch | Series>
type Metric = {
  readonly labels: readonly string[]
  readonly bounds: readonly number[]
  readonly root: Branch
  readonly all: Series[]
  /** the series of a name without labels, or of label sets beyond the limit */
  rest: Series | undefined
}

/** Counts in memory. Labels are looked up one after the other, since joining them to one key would
 *  take longer than everything else; `now` is a stopwatch in milliseconds. */
export function createTally(options: { now: () => number; seriesMax?: number }): Tally {
  const { now, seriesMax = SERIES_MAX } = options
  const metrics = new Map<string, Metric>(
    Object.entries(declarations).map(([name, d]) => [name, metricOf(d)]),
  )
  const seriesOf = (name: EventName, labels: AnyLabels): Series =>
    findSeries(metrics.get(name)!, labels, seriesMax)
  const record = <N extends HistogramName>(name: N, labels: LabelsOf<N>, value: number) => {
    const series = seriesOf(name, labels as AnyLabels)
    series.sum += value
    series.counts[bucketOf(metrics.get(name)!.bounds, value)]! += 1
  }
  return {
    count<N extends CounterName>(name: N, labels: LabelsOf<N>, by = 1) {
      seriesOf(name, labels as AnyLabels).sum += by
    },
    record,
    time(name, labels) {
      const begun = now()
      return () => record(name, labels, (now() - begun) / 1_000)
    },
    read: (name) => metrics.get(name)!.all,
  }
}

function metricOf(d: (typeof declarations)[EventName]): Metric {
  const labels = Object.keys(d.labels)
  const bounds: readonly number[] = 'bounds' in d ? (d.bounds ?? []) : []
  const metric: Metric = { labels, bounds, root: new Map(), all: [], rest: undefined }
  // What has no labels is shown from the start, so that its first increase is one.
  if (labels.length === 0 && d.kind !== 'gauge') metric.rest = addSeries(metric, {})
  return metric
}

function findSeries(metric: Metric, labels: AnyLabels, seriesMax: number): Series {
  const { labels: names, root } = metric
  if (names.length === 0) return metric.rest!
  let at: Branch | Series | undefined = root
  for (const name of names) {
    at = (at as Branch).get(labels[name]!)
    if (at === undefined) return newSeries(metric, labels, seriesMax)
  }
  return at as Series
}

function newSeries(metric: Metric, labels: AnyLabels, seriesMax: number): Series {
  if (metric.all.length >= seriesMax) return (metric.rest ??= addSeries(metric, OVERFLOW))
  const path = metric.labels.map((name) => labels[name]!)
  const last = path.pop()!
  let at = metric.root
  for (const value of path) {
    const next = (at.get(value) as Branch | undefined) ?? new Map()
    at.set(value, next)
    at = next
  }
  const series = addSeries(metric, { ...labels })
  at.set(last, series)
  return series
}

function addSeries(metric: Metric, labels: AnyLabels): Series {
  const { bounds } = metric
  const counts = bounds.length > 0 ? Array<number>(bounds.length + 1).fill(0) : []
  const series = { labels, sum: 0, counts }
  metric.all.push(series)
  return series
}

/** The first bucket whose upper end is not below the value. */
function bucketOf(bounds: readonly number[], value: number): number {
  let at = 0
  while (at < bounds.length && value > bounds[at]!) at += 1
  return at
}
