/** A sample of a scraped page: its name, its labels, its value. */
export type Scraped = { name: string; labels: Record<string, string>; value: number }

/** What a scraped page says of one metric. */
export type Metric = { type: string; help: string; samples: Scraped[] }

const COMMENT = /^# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|-?[0-9.]+(?:e[+-]?\d+)?)$/
const LABEL = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/
const TYPES = ['counter', 'gauge', 'histogram']

/** Reads the text format of Prometheus 0.0.4 and throws on everything that breaks it, or that a
 *  scraper would silently misread. */
export function parseExposition(text: string): Map<string, Metric> {
  if (!text.endsWith('\n')) throw new Error('the last line is not ended')
  const metrics = new Map<string, Metric>()
  let open = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = COMMENT.exec(line)
    if (comment) open = takeComment(metrics, open, comment.slice(1) as [string, string, string])
    else takeSample(metrics.get(open), open, line)
  }
  for (const [name, metric] of metrics) checkMetric(name, metric)
  return metrics
}

/** The one value of a metric with these labels among others; undefined when there is none. */
export function valueOf(
  metrics: ReadonlyMap<string, Metric>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const samples = [...metrics.values()].flatMap((metric) => metric.samples)
  const found = samples.filter(
    (s) => s.name === name && Object.entries(labels).every(([l, value]) => s.labels[l] === value),
  )
  if (found.length > 1) throw new Error(`${name} has ${found.length} values with those labels`)
  return found[0]?.value
}

function takeComment(
  metrics: Map<string, Metric>,
  open: string,
  [word, name, rest]: [string, string, string],
): string {
  const metric = metrics.get(name) ?? { type: '', help: '', samples: [] }
  if (metric.samples.length > 0 || (metrics.has(name) && open !== name))
    throw new Error(`${name} is begun twice`)
  if (word === 'TYPE' && metric.type !== '') throw new Error(`${name} has two types`)
  if (word === 'TYPE' && !TYPES.includes(rest)) throw new Error(`${name} is a ${rest}`)
  if (word === 'TYPE') metric.type = rest
  if (word === 'HELP') metric.help = rest
  metrics.set(name, metric)
  return name
}

function takeSample(metric: Metric | undefined, open: string, line: string): void {
  const [, name = '', inner, value] = SAMPLE.exec(line) ?? []
  if (name === '') throw new Error(`not a line of the format: ${line}`)
  const suffixes = metric?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
  if (!metric || !suffixes.some((suffix) => name === open + suffix))
    throw new Error(`${name} stands under ${open}`)
  const sample = { name, labels: labelsIn(inner ?? ''), value: numberOf(value!) }
  const same = metric.samples.some((s) => s.name === name && sameLabels(s, sample))
  if (same) throw new Error(`${line} is there twice`)
  metric.samples.push(sample)
}

function sameLabels({ labels: a }: Scraped, { labels: b }: Scraped): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

function labelsIn(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (let rest = text; rest !== '';) {
    const [all = '', name = '', value = ''] = LABEL.exec(rest) ?? []
    if (all === '' || name in labels) throw new Error(`not labels: ${text}`)
    labels[name] = value.replaceAll(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
    rest = rest.slice(all.length)
  }
  return labels
}

function numberOf(text: string): number {
  if (text.endsWith('Inf')) return text.startsWith('-') ? -Infinity : Infinity
  return Number(text)
}

function checkMetric(name: string, { type, help, samples }: Metric): void {
  if (type === '' || help === '') throw new Error(`${name} has no type or no help`)
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`${name} is a counter`)
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0)))
    throw new Error(`${name} is below zero`)
  if (type !== 'histogram') return
  const buckets = Map.groupBy(
    samples.filter((s) => s.name === `${name}_bucket`),
    ({ labels: { le: _, ...others } }) => JSON.stringify(others),
  )
  for (const [labels, series] of buckets) {
    const ends = series.map((s) => numberOf(s.labels['le']!.replace(/^Inf/, '+Inf')))
    const counts = series.map((s) => s.value)
    const rising = (numbers: number[]) => numbers.every((n, i) => i === 0 || n >= numbers[i - 1]!)
    const count = samples.find((s) => {
      return s.name === `${name}_count` && JSON.stringify(s.labels) === labels
    })
    if (ends.at(-1) !== Infinity || !rising(ends) || !rising(counts))
      throw new Error(`the buckets of ${name}${labels} do not rise to +Inf`)
    if (counts.at(-1) !== count?.value) throw new Error(`${name}${labels} counts twice`)
  }
}
