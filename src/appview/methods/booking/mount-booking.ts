import type { Acting } from '../../act.ts'
import type { Mount } from '../../serve.ts'
import { putVenueStaff } from '../enterprise/put-venue-staff.ts'
import { putVenue } from '../enterprise/put-venue.ts'
import { customerMethods, staffMethods } from './appointment-methods.ts'
import { putBlock } from './blocks.ts'
import { type BookingDeps, bookAppointment } from './book-appointment.ts'
import { bookSeries } from './book-series.ts'
import { editSeries } from './edit-series.ts'
import { holdSlot } from './hold-slot.ts'
import { searchAvailability } from './search-availability.ts'

/** Mounts what venues, bookings and events are done with. */
export function mountBooking(mount: Mount, deps: Acting & BookingDeps): void {
  bookAppointment(mount, deps)
  bookSeries(mount, deps)
  customerMethods(mount, deps)
  editSeries(mount, deps)
  holdSlot(mount, deps)
  putBlock(mount, deps)
  putVenue(mount, deps)
  putVenueStaff(mount, deps)
  searchAvailability(mount, deps)
  staffMethods(mount, deps)
}
