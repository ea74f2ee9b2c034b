import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { appointmentNotes } from '../../collections/booking/appointment-notes.ts'
import { feedback } from '../../collections/booking/feedback.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, guestProcedure, procedure } from '../../serve.ts'
import { placeOfAppointment } from './appointment-records.ts'
import type { BookingDeps } from './book-appointment.ts'
import { changeAppointment } from './change-appointment.ts'
import { shownRecord } from './show-appointment.ts'

/** `booking.rateAppointment`, for the customer, and `putAppointmentNotes`, for the staff. */
export function rateAppointment(mount: Mount, deps: BookingDeps): void {
  guestProcedure(mount, co.kendev.booking.rateAppointment, async (call) => {
    const { input, viewer, idempotencyKey: key } = call
    const { rating, comment } = input
    const at = await placeOfAppointment(deps.sql, input.appointment)
    const method = co.kendev.booking.rateAppointment.$lxm
    await changeAppointment(
      deps,
      { method, input, viewer, key },
      {
        allowed: 'customer',
        decide: async (d, { record, place, rkey, uri }) => {
          if (record.status !== 'completed') throw notYet()
          const known = await d.read({ place, collection: feedback.nsid, rkey })
          const now = d.now.toISOString()
          const said = {
            appointment: uri,
            rater: place.split('/').at(-1),
            rating,
            ...(comment !== undefined && { comment }),
            createdAt: known?.record['createdAt'] ?? now,
            ...(known && { updatedAt: now }),
          }
          const writes = [{ place, collection: feedback.nsid, rkey, record: said }]
          return { record, also: { writes } }
        },
      },
    )
    return (await shownRecord(
      deps,
      feedback,
      recordUri(at.tenant, feedback.nsid, at.rkey),
    )) as never
  })

  procedure(mount, co.kendev.booking.putAppointmentNotes, async (call) => {
    const { input, viewer } = call
    const { appointment: _, ...said } = input
    const at = await placeOfAppointment(deps.sql, input.appointment)
    const method = co.kendev.booking.putAppointmentNotes.$lxm
    await changeAppointment(
      deps,
      { method, input, viewer, key: undefined },
      {
        allowed: 'staff',
        decide: async (_d, { record, notes }) => ({ record, notes: { ...notes, ...said } }),
      },
    )
    const uri = recordUri(at.tenant, appointmentNotes.nsid, at.rkey)
    return (await shownRecord(deps, appointmentNotes, uri)) as never
  })
}

function notYet(): InvalidRequestError {
  return new InvalidRequestError('Say how it was once it is completed.', 'TooEarly')
}
