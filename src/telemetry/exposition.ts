import { type HrTime, ValueType } from '@opentelemetry/api'
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics'
import { type EventName, declarations, metricName } from '../events.ts'
import type { AnySample, Observers } from './observers.ts'
import type { Series, Tally } from './tally.ts'

/** The media type of the text format of Prometheus. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Writes all that is counted and observed in the text format of Prometheus 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). It is put in OpenTelemetry's
 * terms first, whose serializer does the rest; its own counters take too long for every frame.
 */
export function createExposition(parts: {
  tally: Tally
  observers: Observers
  /** what this process is, by OpenTelemetry's names for resources */
  resource: Readonly<Record<string, string>>
}): () => Promise<string> {
  const serializer = new PrometheusSerializer('', false, undefined, false, true)
  const resource = resourceFromAttributes(parts.resource)
  const scope = { name: 'angelos' }
  return async () => {
    const observed = await parts.observers.look()
    const names = Object.keys(declarations) as EventName[]
    const metrics = names.flatMap((name) => {
      const metric = metricOf(name, parts.tally.read(name), observed.get(name) ?? [])
      return metric.dataPoints.length > 0 ? [metric] : []
    })
    return serializer.serialize({ resource, scopeMetrics: [{ scope, metrics }] })
  }
}

/** The time of a data point; the text format does not tell it. */
const NEVER: HrTime = [0, 0]

function metricOf(
  name: EventName,
  counted: readonly Series[],
  observed: readonly AnySample[],
): MetricData {
  const { help, unit, kind, ...declared } = declarations[name]
  const bounds: readonly number[] = 'bounds' in declared ? (declared.bounds ?? []) : []
  const descriptor = {
    name: metricName(name),
    description: help,
    valueType: ValueType.DOUBLE,
    unit,
  }
  const about = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE }
  if (kind === 'histogram')
    return {
      ...about,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: counted.map(({ labels, sum, counts }) =>
        pointOf(labels, {
          sum,
          count: counts.reduce((total, each) => total + each, 0),
          buckets: { boundaries: [...bounds], counts },
        }),
      ),
    }
  const dataPoints =
    observed.length > 0
      ? observed.map(({ labels, value }) => pointOf(labels, value))
      : counted.map(({ labels, sum }) => pointOf(labels, sum))
  if (kind === 'gauge') return { ...about, dataPointType: DataPointType.GAUGE, dataPoints }
  return { ...about, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
}

function pointOf<V>(attributes: Readonly<Record<string, string>>, value: V) {
  return { startTime: NEVER, endTime: NEVER, attributes, value }
}
