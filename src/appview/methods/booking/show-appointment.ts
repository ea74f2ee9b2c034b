import type { co } from '../../../lexicons/index.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import type { Collection, Row } from '../../define.ts'
import { present } from '../../look.ts'
import { notFound } from '../../not-found.ts'
import { knownUri } from '../../reference.ts'
import type { Reading } from '../../serve.ts'

/** A record's view for who has just written it or shows a link to it, whoever else may read it.
 *  Throws `NotFound`. */
export async function shownRecord(deps: Reading, c: Collection, uri: string): Promise<object> {
  const { rows } = await deps.sql.query<Row>(`select * from appview."${c.table}" where uri = $1`, [
    knownUri(uri),
  ])
  const [view] = await present(c, rows, deps)
  if (!view) throw notFound(`${c.table} ${uri}`)
  return view
}

/** The same of an appointment. */
export async function shownAppointment(
  deps: Reading,
  uri: string,
): Promise<co.kendev.booking.defs.AppointmentView> {
  return (await shownRecord(deps, appointments, uri)) as co.kendev.booking.defs.AppointmentView
}
