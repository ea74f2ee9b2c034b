import type { Slot } from '../../booking/availability.ts'
import { bayResource, staffResource } from '../../booking/busy.ts'
import { type Plan, type Service, bookingAt } from '../../booking/plan.ts'
import type { Span } from '../../booking/span.ts'
import type { Deciding } from '../../business/transact.ts'
import type { Sql } from '../../sql.ts'
import { sessionName } from './taken.ts'

/** What is to be taken, and under which name. */
export type Claim = {
  readonly plan: Pick<Plan, 'venue' | 'buffer'>
  readonly service: Service
  readonly slot: Slot
  readonly booking: string
  readonly seats: number
  /** Until when it is only held; for good when left out. */
  readonly until?: Date
}

/** Takes a start at its bay and of its person, in the transaction that stores the booking; of a
 *  group the seats. False when something else has it: the exclusion constraint of the database
 *  decides, and what was done before in the transaction stays (`domain.md` 11.1). */
export async function claim(d: Pick<Deciding, 'tx' | 'tenant'>, wish: Claim): Promise<boolean> {
  const { plan, service, slot, booking, seats, until } = wish
  if (service.seats === 1) return take(d, wish, booking, until)
  const session = sessionName(plan.venue, service.serviceId, slot.start)
  const { rowCount } = await d.tx.query(SEATS, [d.tenant, session, service.seats, seats])
  if (rowCount !== 1) return false
  if (slot.session === undefined && !(await take(d, wish, session))) return false
  if (until) await d.tx.query(HOLD_SEATS, [...held(d, wish, session), until])
  return true
}

/** Takes the bay and the person of a slot under a name. */
async function take(
  d: Pick<Deciding, 'tx' | 'tenant'>,
  { plan, service, slot }: Claim,
  name: string,
  until?: Date,
): Promise<boolean> {
  const { core, padded } = bookingAt(plan, service, slot.start)
  const resources = [
    ...(slot.bayId === undefined ? [] : [bayResource(plan.venue, slot.bayId)]),
    ...(slot.staff === undefined ? [] : [staffResource(slot.staff)]),
  ]
  const rows = resources.flatMap((resource) => [
    { resource, kind: 'core', ...dates(core) },
    { resource, kind: 'padded', ...dates(padded) },
  ])
  await d.tx.query('savepoint claim')
  try {
    await d.tx.query(TAKE, [d.tenant, name, JSON.stringify(rows), until ?? null])
    return true
  } catch (error) {
    if ((error as { code?: string }).code !== EXCLUDED) throw error
    await d.tx.query('rollback to savepoint claim')
    return false
  }
}

const EXCLUDED = '23P01'

function dates({ start, end }: Span) {
  return { from: new Date(start), to: new Date(end) }
}

function held(d: Pick<Deciding, 'tenant'>, { booking, seats, slot }: Claim, session: string) {
  return [d.tenant, `seats:${seats}:${session}`, booking, new Date(slot.start), new Date(slot.end)]
}

/** Makes what is held at `now` a booking. False when it is not held any more. */
export async function keepHeld(
  d: Pick<Deciding, 'tx' | 'tenant' | 'now'>,
  hold: string,
  booking: string,
): Promise<boolean> {
  const { rows } = await d.tx.query<{ resource: string }>(TAKE_OVER, [d.tenant, hold, d.now])
  const own = rows.filter(({ resource }) => !resource.startsWith('seats:'))
  if (own.length > 0) await d.tx.query(KEEP, [d.tenant, booking, JSON.stringify(own)])
  return rows.length > 0
}

/** Gives back what a booking or a hold has taken. */
export async function release(d: Pick<Deciding, 'tx' | 'tenant'>, booking: string): Promise<void> {
  const { rows } = await d.tx.query<{ resource: string }>(RELEASE, [d.tenant, booking])
  for (const { resource } of rows) await giveSeatsBack(d, resource)
}

/** Gives seats of a group back; nobody left, its bay and its person are free again. */
export async function releaseSeats(
  d: Pick<Deciding, 'tx' | 'tenant'>,
  session: string,
  seats: number,
): Promise<void> {
  const { rows } = await d.tx.query<{ taken: number }>(GIVE_BACK, [d.tenant, session, seats])
  if (rows[0]?.taken !== 0) return
  await d.tx.query('delete from repo.seat where tenant = $1 and subject = $2', [d.tenant, session])
  await d.tx.query(RELEASE, [d.tenant, session])
}

/** Gives back what is held no more, so that it is free for whoever comes. */
export async function releaseExpired(d: Pick<Deciding, 'tx' | 'tenant' | 'now'>): Promise<void> {
  const { rows } = await d.tx.query<{ resource: string }>(EXPIRED, [d.tenant, d.now])
  for (const { resource } of rows) await giveSeatsBack(d, resource)
}

async function giveSeatsBack(d: Pick<Deciding, 'tx' | 'tenant'>, resource: string): Promise<void> {
  const [, seats, session] = /^seats:(\d+):(.+)$/.exec(resource) ?? []
  if (session !== undefined) await releaseSeats(d, session, Number(seats))
}

/** How many starts somebody holds at `now`. */
export async function countHolds(
  sql: Sql,
  at: { tenant: string; prefix: string; now: Date },
): Promise<number> {
  const { rows } = await sql.query<{ count: number }>(COUNT_HOLDS, [
    at.tenant,
    at.prefix,
    `${at.prefix}~`,
    at.now,
  ])
  return rows[0]?.count ?? 0
}

const SEATS = `insert into repo.seat as s (tenant, subject, capacity, taken)
  select $1, $2, $3::int, $4::int where $4::int <= $3::int
  on conflict (tenant, subject) do update set taken = s.taken + $4::int
    where s.taken + $4::int <= s.capacity`

const TAKE = `insert into repo.busy (tenant, resource, booking, kind, during, "holdUntil")
  select $1, r.resource, $2, r.kind, tstzrange(r."from", r."to"), $4
  from jsonb_to_recordset($3::jsonb)
    as r(resource text, kind text, "from" timestamptz, "to" timestamptz)`

// Seats that are held stand as a row of their own, which nothing can collide with.
const HOLD_SEATS = `insert into repo.busy (tenant, resource, booking, kind, during, "holdUntil")
  values ($1, $2, $3, 'core', tstzrange($4, $5), $6)`

// Not an update: of two rows of one booking the first would collide with the second.
const TAKE_OVER = `delete from repo.busy where tenant = $1 and booking = $2 and "holdUntil" > $3
  returning resource, kind, during`

const KEEP = `insert into repo.busy (tenant, resource, booking, kind, during)
  select $1, r.resource, $2, r.kind, r.during
  from jsonb_to_recordset($3::jsonb) as r(resource text, kind text, during tstzrange)`

const RELEASE = `delete from repo.busy where tenant = $1 and booking = $2 returning resource`

const EXPIRED = `delete from repo.busy where tenant = $1 and "holdUntil" <= $2 returning resource`

const GIVE_BACK = `update repo.seat set taken = greatest(taken - $3, 0)
  where tenant = $1 and subject = $2 returning taken`

const COUNT_HOLDS = `select count(distinct booking)::int as count from repo.busy
  where tenant = $1 and booking >= $2 and booking < $3 and "holdUntil" > $4`
