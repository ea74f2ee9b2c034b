import { co } from '../../../lexicons/index.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, guestProcedure, procedure, query } from '../../serve.ts'
import {
  cancelling,
  checkingIn,
  completing,
  confirming,
  correcting,
  missing,
  rescheduling,
} from './appointment-decisions.ts'
import { readLink } from './appointment-link.ts'
import { placeOfAppointment } from './appointment-records.ts'
import type { BookingDeps } from './book-appointment.ts'
import {
  type Allowed,
  type ChangeCall,
  type Decide,
  changeAppointment,
} from './change-appointment.ts'
import { shownAppointment } from './show-appointment.ts'

type Call = Pick<ChangeCall, 'viewer'> & {
  input: ChangeCall['input'] & { reason?: string | undefined }
  idempotencyKey: string | undefined
}

/** `booking.cancelAppointment`, `rescheduleAppointment`, `checkIn` and `readAppointment`: what
 *  customers may as well, by account or by signed link. */
export function customerMethods(mount: Mount, deps: BookingDeps): void {
  const change = changerOf(deps, 'concerned')

  guestProcedure(mount, co.kendev.booking.cancelAppointment, (call) =>
    change(co.kendev.booking.cancelAppointment.$lxm, call, cancelling),
  )
  guestProcedure(mount, co.kendev.booking.rescheduleAppointment, (call) =>
    change(co.kendev.booking.rescheduleAppointment.$lxm, call, rescheduling(call.input)),
  )
  guestProcedure(mount, co.kendev.booking.checkIn, (call) =>
    change(co.kendev.booking.checkIn.$lxm, call, checkingIn),
  )
  query(mount, co.kendev.booking.readAppointment, async ({ params }) => {
    const { uri } = await placeOfAppointment(deps.sql, params.appointment)
    if (readLink(deps.links, params.token, deps.clock.now()) !== uri)
      throw notFound('appointment of this link')
    return (await shownAppointment(deps, uri)) as never
  })
}

/** `booking.confirmAppointment`, `completeAppointment`, `markNoShow` and `correctAppointment`, for
 *  the staff. */
export function staffMethods(mount: Mount, deps: BookingDeps): void {
  const change = changerOf(deps, 'staff')
  const correct = changerOf(deps, 'planners')

  procedure(mount, co.kendev.booking.confirmAppointment, (call) =>
    change(co.kendev.booking.confirmAppointment.$lxm, call, confirming),
  )
  procedure(mount, co.kendev.booking.completeAppointment, (call) =>
    change(co.kendev.booking.completeAppointment.$lxm, call, completing),
  )
  procedure(mount, co.kendev.booking.markNoShow, (call) =>
    change(co.kendev.booking.markNoShow.$lxm, call, missing),
  )
  procedure(mount, co.kendev.booking.correctAppointment, (call) => {
    const to = call.input.to === 'no_show' ? 'no_show' : 'completed'
    const method = co.kendev.booking.correctAppointment.$lxm
    return correct(method, call, correcting(to))
  })
}

function changerOf(deps: BookingDeps, allowed: Allowed) {
  return async (method: string, call: Call, decide: Decide) => {
    const { input, viewer, idempotencyKey: key } = call
    const { reason } = input
    const more = { decide, allowed, ...(reason !== undefined && { reason }) }
    return (await changeAppointment(deps, { method, input, viewer, key }, more)) as never
  }
}
