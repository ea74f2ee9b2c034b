import { BOOKING, SHOP, bookingWorld } from '../test/booking-world.ts'
import { bareBusiness } from './bare-business.ts'
import { compareLoad, loadOf } from './business-load.ts'
import { median, percentile } from './paired.ts'
import type { BenchResult, Figure } from './result.ts'

const BOOKINGS = 900
const TAKEN = 5_000
const STAFF = 20
const BAYS = 10
const SEARCHES = 200
const HOUR = 3_600_000

type World = Awaited<ReturnType<typeof bookingWorld>>

/** Appointments booked through the methods of a venue against bare Postgres transactions that write
 *  rows of the same shape, in turns; and a search of a month at a venue with 20 people, 10 bays and
 *  5,000 bookings in it. */
export async function benchBooking(
  report: (line: string) => void,
  size = BOOKINGS,
): Promise<BenchResult> {
  await using world = await bookingWorld()
  const bare = await bareBusiness(world.node.pool)
  const { uri, rkey } = await openVenue(world)
  const book = bookNext(world, uri)
  const figures: Figure[] = []
  for (const clients of [16, 1]) {
    const count = clients === 1 ? Math.ceil(size / 4) : size
    const what = { name: 'booking', clients, count, ours: book, bare: () => bare.booking() }
    figures.push(...(await compareLoad(report, what)))
  }
  const [first, ...more] = figures
  return { ...first!, more: [...more, await benchSearch(report, world, { uri, rkey })] }
}

async function openVenue(world: World): Promise<{ uri: string; rkey: string }> {
  const bays = Array.from({ length: BAYS }, (_, n) => ({
    bayId: `bay${n}`,
    bayName: `Bay ${n}`,
    bayType: 'install_bay',
  }))
  const venue = await world.venue({ bayManagement: { bays } })
  for (let n = 0; n < STAFF; n += 1) await world.staff(venue.uri, `did:plc:staff${n}`)
  return venue
}

/** Each booking takes the next start, at one of the bays. */
function bookNext(world: World, venue: string) {
  const first = Math.ceil(world.now.getTime() / HOUR) * HOUR + 40 * 24 * HOUR
  let n = 0
  return (client: number) => {
    const at = n
    n += 1
    return world.as(`did:plc:guest${client}`).call(`${BOOKING}.bookAppointment`, {
      venue,
      serviceId: 'install',
      startTime: new Date(first + Math.floor(at / BAYS) * HOUR).toISOString(),
      idempotencyKey: `booking-${at}`,
    })
  }
}

async function benchSearch(
  report: (line: string) => void,
  world: World,
  venue: { uri: string; rkey: string },
): Promise<Figure> {
  const from = Math.ceil(world.now.getTime() / HOUR) * HOUR
  await takeMonth(world, venue.rkey, from)
  const asked = {
    venue: venue.uri,
    serviceId: 'install',
    from: new Date(from).toISOString(),
    to: new Date(from + 30 * 24 * HOUR).toISOString(),
    limit: '100',
  }
  const search = () => world.as(undefined).get(`${BOOKING}.searchAvailability`, asked)
  await search()
  const { times } = await loadOf(search, 1, SEARCHES)
  const [middle, late] = [median(times), percentile(times, 0.95)]
  report(
    `search of a month, ${STAFF} people, ${BAYS} bays, ${TAKEN} bookings: median ` +
      `${middle.toFixed(1)} ms, p95 ${late.toFixed(1)} ms`,
  )
  const ours = Math.round(late * 10) / 10
  return {
    bench: 'search of a month, p95',
    goal: null,
    ours,
    reference: null,
    ratio: null,
    unit: 'ms',
  }
}

/** So many bookings in the month: at every hour as many bays and people as it takes. */
async function takeMonth(world: World, venue: string, from: number): Promise<void> {
  const rows = Array.from({ length: TAKEN }, (_, n) => {
    const hour = Math.floor(n / BAYS)
    const start = new Date(from + hour * HOUR)
    const end = new Date(start.getTime() + HOUR)
    const staff = (n % BAYS) + (hour % 2 === 0 ? 0 : BAYS)
    return {
      bay: `bay:${venue}:bay${n % BAYS}`,
      staff: `staff:did:plc:staff${staff}`,
      n,
      start,
      end,
    }
  })
  await world.node.pool.query(TAKE, [SHOP, JSON.stringify(rows)])
}

const TAKE = `insert into repo.busy (tenant, resource, booking, kind, during)
  select $1, x.resource, 'taken' || r.n, k, tstzrange(r.start, r."end")
  from json_to_recordset($2::json) as r(bay text, staff text, n int, start timestamptz,
    "end" timestamptz),
    lateral unnest(array[r.bay, r.staff]) as x(resource), unnest(array['core', 'padded']) k`
