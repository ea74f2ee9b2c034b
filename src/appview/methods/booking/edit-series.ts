import { co } from '../../../lexicons/index.ts'
import type { Viewer } from '../../access.ts'
import * as change from '../../booking/appointment-change.ts'
import { unmovable } from '../../booking/cancellation.ts'
import { splitAt } from '../../booking/recurrence.ts'
import type { Deciding } from '../../business/transact.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import { series as allSeries } from '../../collections/booking/series.ts'
import { notFound } from '../../not-found.ts'
import { knownUri, recordUri } from '../../reference.ts'
import { type Mount, guestProcedure } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireOpen } from '../../tenant-access.ts'
import { requireTenant } from '../../tenants.ts'
import { readSeriesLink, seriesLink } from './appointment-link.ts'
import { type Standing, standingOf } from './appointment-records.ts'
import type { BookingDeps } from './book-appointment.ts'
import { staffRole } from './booker.ts'
import { moveSeries } from './move-series.ts'
import { refused } from './refused.ts'
import {
  type Edited,
  type Editing,
  type SeriesRecord,
  cancelled,
  pick,
  recurrenceOf,
  versionOf,
} from './series-changes.ts'
import { shownSeries } from './show-series.ts'
import { customerJob } from './tell-customer.ts'

type Input = co.kendev.booking.editSeries.$InputBody

/** `booking.editSeries`: one of a series, this one and those that follow, or all that are to
 *  come, in one transaction. What has been keeps its series; what changes becomes one of its own
 *  that names the one it is from (`domain.md` 11.2). */
export function editSeries(mount: Mount, deps: BookingDeps): void {
  guestProcedure(mount, co.kendev.booking.editSeries, async (call) => {
    const { input, viewer, idempotencyKey: key } = call
    const at = await placeOfSeries(deps.sql, input.series)
    requireOpen(await requireTenant(deps.sql, at.tenant))
    const { by, role } = await actorOf(deps, at, { input, viewer })
    const method = co.kendev.booking.editSeries.$lxm
    const once = { caller: viewer?.did ?? '', method, key, input }
    const { uri } = await deps.transact({ tenant: at.tenant, once }, async (d) => {
      const { reason } = input
      const how = { now: d.now.getTime(), by, ...(reason !== undefined && { reason }) }
      const editing = await editingOf(d, { input, how, at })
      const done = await edit(d, editing)
      const who = { actor: viewer?.did ?? d.tenant, role, action: method }
      return { answer: { uri: done.series }, writes: done.writes, jobs: done.jobs, by: who }
    })
    const shown = await shownSeries(deps, uri)
    return { ...shown, token: seriesLink(deps.links, uri, deps.clock.now()) } as never
  })
}

async function edit(d: Deciding, e: Editing): Promise<Pick<Edited, 'series' | 'writes' | 'jobs'>> {
  if (e.how.by === 'customer')
    for (const { record } of e.those) {
      const why = mayChange(record, e)
      if (why) throw refused(why, record)
    }
  const done = e.input.action === 'move' ? await moveSeries(d, e) : await endSeries(d, e)
  const [first] = e.those
  const news = e.input.action === 'move' ? 'rescheduled' : 'cancelled'
  const told = first && customerJob(first, news, `series ${e.record.sequence ?? 0} ${e.from}`)
  return { ...done, jobs: [...done.jobs, ...(told ? [told] : [])] }
}

function mayChange(record: change.Appointment, { input, how }: Editing) {
  const policy = change.policyOf(record)
  const start = Date.parse(record.startTime)
  const given = { policy, start, now: how.now, price: 0, paid: 0, by: 'customer' } as const
  return input.action === 'move' ? unmovable(given) : undefined
}

/** Ends them: one is left out, those from one on are no more of the series. */
async function endSeries(d: Deciding, e: Editing): Promise<Edited> {
  const { record, input, rkey, place, those } = e
  const changes = await cancelled(d, e, those)
  const halves = input.scope === 'this' ? undefined : splitAt(recurrenceOf(record), e.from)
  const left =
    input.scope === 'this'
      ? { exDates: [...(record.exDates ?? []), e.from] }
      : halves
        ? pick(halves[0])
        : { status: 'ended' as const }
  const written = { ...record, ...left, ...versionOf(record, d) }
  const write = { place, collection: allSeries.nsid, rkey, record: written }
  const series = recordUri(d.tenant, allSeries.nsid, rkey)
  return { writes: [...changes.writes, write], jobs: changes.jobs, series }
}

type At = { tenant: string; rkey: string; place: string; uri: string }

async function placeOfSeries(sql: Sql, given: string): Promise<At> {
  const uri = knownUri(given)
  const { rows } = await sql.query<{ did: string; rkey: string; place: string }>(
    `select did, rkey, place from appview."${allSeries.table}" where uri = $1`,
    [uri],
  )
  if (!rows[0]) throw notFound(`series ${given}`)
  return { tenant: rows[0].did, rkey: rows[0].rkey, place: rows[0].place, uri }
}

async function actorOf(
  { sql, links, clock }: BookingDeps,
  { tenant, place, uri }: At,
  { input, viewer }: { input: Input; viewer: Viewer | undefined },
): Promise<{ by: 'customer' | 'staff'; role: string }> {
  const did = viewer?.did
  const role = await staffRole(sql, { tenant, did, permission: 'manage_orders' })
  if (role) return { by: 'staff', role }
  if (input.token !== undefined) {
    if (readSeriesLink(links, input.token, clock.now()) === uri)
      return { by: 'customer', role: 'link' }
    throw notFound('series of this link')
  }
  const { rows } = await sql.query(
    'select 1 from repo.customer where tenant = $1 and who = $2 and skey = $3',
    [tenant, did ?? '', place.split('/').at(-1)],
  )
  if (rows.length > 0) return { by: 'customer', role: 'customer' }
  throw notFound(`series ${input.series}`)
}

/** The series as the transaction sees it, with those of its appointments it is about. */
async function editingOf(
  d: Deciding,
  given: { input: Input; how: change.Changing; at: At },
): Promise<Editing> {
  const { input, how, at } = given
  const found = await d.read({ place: at.place, collection: allSeries.nsid, rkey: at.rkey })
  if (!found) throw notFound(`series ${input.series}`)
  const { $type: _, ...record } = found.record
  const { rows } = await d.tx.query<{ rkey: string }>(
    `select rkey from appview."${appointments.table}"
     where series = $1 and did = $2 order by "startTime"`,
    [at.uri, at.tenant],
  )
  const all: Standing[] = []
  for (const { rkey } of rows) all.push(await standingOf(d, { rkey, place: at.place }))
  const toCome = all.filter(
    (one) =>
      ['scheduled', 'confirmed'].includes(one.record.status) &&
      Date.parse(one.record.startTime) > d.now.getTime() &&
      concerns(input, one.record.instance ?? ''),
  )
  if (toCome.length === 0) throw notFound(`instance ${input.instance} to come`)
  const from = input.scope === 'all' ? toCome[0]!.record.instance! : input.instance
  const { rkey, place } = at
  return { input, how, rkey, place, record: record as SeriesRecord, those: toCome, from }
}

function concerns({ scope, instance }: Input, of: string): boolean {
  if (scope === 'all') return true
  return scope === 'this' ? of === instance : of >= instance
}
