import { BOOKING, type BookingWorld, type Shown } from './booking-world.ts'

export const HOUR = 3_600_000
/** When appointments of these tests begin, where nothing else is said. */
export const START = Date.parse('2026-11-30T15:00:00Z')

/** What booking answers. */
export type Booked = { appointment: Shown; token: string; feed: string }

/** Calls of methods about appointments in a world, and its clock. */
export function bookingCalls(world: () => BookingWorld) {
  let people = 0
  const at = (ms: number) => (world().now = new Date(ms))
  const noon = () => at(Date.parse('2026-11-27T12:00:00Z'))
  const call = <T = Shown>(did: string | undefined, method: string, body: object) =>
    world().as(did).call<T>(`${BOOKING}.${method}`, body)
  /** Somebody whom no other test has. */
  const somebody = () => `did:plc:worker${(people += 1)}`
  return {
    at,
    somebody,
    /** Three days before appointments begin. */
    noon,
    call,
    get: <T>(did: string | undefined, method: string, params: Record<string, string>) =>
      world().as(did).get<T>(`${BOOKING}.${method}`, params),
    book: (did: string | undefined, venue: string, more: object = {}) =>
      call<Booked>(did, 'bookAppointment', {
        venue,
        serviceId: 'install',
        startTime: new Date(START).toISOString(),
        ...more,
      }),
    /** A venue where somebody of its own works, at noon. */
    venue: async (more: object = {}) => {
      noon()
      const { uri } = await world().venue(more)
      const worker = somebody()
      await world().staff(uri, worker)
      return { uri, worker }
    },
  }
}
