import type { Acting } from '../../act.ts'
import type { Mount } from '../../serve.ts'
import { answerEvent, leaveEvent } from '../enterprise/answer-event.ts'
import { getEventStats, setEventStatus } from '../enterprise/event-status.ts'
import { putEvent } from '../enterprise/put-event.ts'
import { putVenueStaff } from '../enterprise/put-venue-staff.ts'
import { putVenue } from '../enterprise/put-venue.ts'
import { customerMethods, staffMethods } from './appointment-methods.ts'
import { putBlock } from './blocks.ts'
import { type BookingDeps, bookAppointment } from './book-appointment.ts'
import { bookSeries } from './book-series.ts'
import { calendars } from './calendars.ts'
import { editSeries } from './edit-series.ts'
import { holdSlot } from './hold-slot.ts'
import { rateAppointment } from './rate-appointment.ts'
import { schedule } from './schedule.ts'
import { searchAvailability } from './search-availability.ts'
import { utilisation } from './utilisation.ts'
import { joinWaitlist, leaveWaitlist } from './waitlist.ts'

/** Mounts what venues, bookings and events are done with. */
export function mountBooking(mount: Mount, deps: Acting & BookingDeps): void {
  answerEvent(mount, deps)
  bookAppointment(mount, deps)
  bookSeries(mount, deps)
  customerMethods(mount, deps)
  calendars(mount, deps)
  editSeries(mount, deps)
  holdSlot(mount, deps)
  joinWaitlist(mount, deps)
  leaveEvent(mount, deps)
  leaveWaitlist(mount, deps)
  putBlock(mount, deps)
  putEvent(mount, deps)
  putVenue(mount, deps)
  putVenueStaff(mount, deps)
  rateAppointment(mount, deps)
  schedule(mount, deps)
  searchAvailability(mount, deps)
  getEventStats(mount, deps)
  setEventStatus(mount, deps)
  staffMethods(mount, deps)
  utilisation(mount, deps)
}
