import type { co } from '../../../lexicons/index.ts'
import { instantOf, wire } from '../../booking/local-time.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import { series as allSeries } from '../../collections/booking/series.ts'
import { uriIn } from '../../reference.ts'
import type { Reading } from '../../serve.ts'
import { shownRecord } from './show-appointment.ts'

type Row = {
  uri: string
  place: string
  instance: string
  startTime: Date
}

/** A series with what is booked of it and what was skipped, in order. */
export async function shownSeries(deps: Reading, uri: string): Promise<object> {
  const series = (await shownRecord(deps, allSeries, uri)) as co.kendev.booking.defs.SeriesView
  const { rows } = await deps.sql.query<Row>(
    `select uri, place, content->>'instance' as instance, "startTime"
     from appview."${appointments.table}"
     where series = $1 and status <> 'cancelled' order by "startTime"`,
    [uri],
  )
  const booked = rows.map((row) => ({
    localStart: row.instance,
    startTime: row.startTime.toISOString(),
    appointment: uriIn(row.place, row.uri),
  }))
  const skipped = (series.skipped ?? []).map((localStart) => ({
    localStart,
    startTime: wire(instantOf(localStart, series.timezone)),
    skipped: true,
  }))
  const instances = [...booked, ...skipped].toSorted((a, b) => (a.startTime < b.startTime ? -1 : 1))
  return { series, instances }
}
