import type { Viewer } from '../../access.ts'
import type { Appointment, Changing, Refused } from '../../booking/appointment-change.ts'
import type { Deciding, Decision } from '../../business/transact.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import { moveOf } from '../../machine.ts'
import { notFound } from '../../not-found.ts'
import { knownUri } from '../../reference.ts'
import type { Sql } from '../../sql.ts'
import { requireOpen } from '../../tenant-access.ts'
import { requireTenant } from '../../tenants.ts'
import { readLink } from './appointment-link.ts'
import {
  type Notes,
  type Standing,
  type Terms,
  appointmentWrites,
  placeOfAppointment,
  standingOf,
} from './appointment-records.ts'
import type { BookingDeps } from './book-appointment.ts'
import { staffRole } from './booker.ts'
import { shownAppointment } from './show-appointment.ts'
import { type News, customerJob } from './tell-customer.ts'
import { staffJobs } from './tell-staff.ts'
import { refused } from './refused.ts'
import type { Job } from '../../../jobs/jobs.ts'

/** Who asks for a change of which appointment. */
export type ChangeCall = {
  readonly method: string
  readonly input: { appointment: string; token?: string | undefined }
  readonly viewer: Viewer | undefined
  readonly key: string | undefined
}

/** What an appointment becomes. */
export type Becomes = {
  readonly record: Appointment
  readonly notes?: Notes
  /** What its performer has of its order, in minor units, where that is booked now. */
  readonly commission?: number | undefined
  /** Other records that change with it. */
  readonly also?: Pick<Decision<unknown>, 'writes' | 'jobs'>
  readonly news?: News
}

/** What decides a change. */
export type Decide = (
  d: Deciding,
  standing: Standing,
  how: Changing & { now: number },
) => Promise<Becomes | Refused | undefined>

/** Who may: everybody it concerns, the customer alone, the staff, or only those who plan the
 *  work. */
export type Allowed = 'concerned' | 'customer' | 'staff' | 'planners'

type Actor = { by: 'customer' | 'staff'; actor: string; role: string }

/** Changes an appointment in one transaction, for its customer, for whoever has its signed link,
 *  or for the staff, as far as they are `allowed`. What already is so changes nothing. Throws
 *  `NotFound` for others, `InvalidLink`, and what `decide` refuses by its name. */
export async function changeAppointment(
  deps: BookingDeps,
  call: ChangeCall,
  { decide, allowed, reason }: { decide: Decide; allowed: Allowed; reason?: string },
): Promise<object> {
  const { input, viewer, key, method } = call
  const at = await placeOfAppointment(deps.sql, input.appointment)
  requireOpen(await requireTenant(deps.sql, at.tenant))
  const known = await actorBefore(deps, call, at.tenant)
  const once = { caller: viewer?.did ?? '', method, key, input }
  await deps.transact({ tenant: at.tenant, once }, async (d) => {
    const standing = await standingOf(d, at)
    const actor = known ?? (await actorOf(d.tx, viewer, standing))
    if (!actor || !may(actor, allowed)) throw notFound('appointment for you')
    const { by, role } = actor
    const how = { now: d.now.getTime(), by, ...(reason !== undefined && { reason }) }
    const becomes = await decide(d, standing, how)
    const who = { actor: actor.actor, role, action: method, ...(reason && { reason }) }
    if (becomes === undefined) return { answer: {}, writes: [], by: who }
    if (typeof becomes === 'string') throw refused(becomes, standing.record)
    return { answer: {}, ...(await outcome(d, standing, becomes, by)), by: who }
  })
  return shownAppointment(deps, at.uri)
}

function may({ by, role }: Actor, allowed: Allowed): boolean {
  if (allowed === 'concerned') return true
  if (allowed === 'customer') return by === 'customer'
  return by === 'staff' && (allowed === 'staff' || role !== PERFORMER)
}

const PERFORMER = 'performer'

async function outcome(
  d: Deciding,
  standing: Standing,
  { record, notes, also, news, commission }: Becomes,
  by: Actor['by'],
): Promise<{ writes: Decision<unknown>['writes']; jobs: Job[] }> {
  const terms: Terms = standing.terms
  const files = { record, terms, commission, ...(notes && { notes }) }
  const told = `${record.sequence} ${record.history?.length ?? 0}`
  return {
    writes: [...(await appointmentWrites(d, standing, files)), ...(also?.writes ?? [])],
    jobs: [
      ...(also?.jobs ?? []),
      ...(news ? [customerJob(standing, news, told)] : []),
      ...(news && by === 'customer'
        ? staffJobs(standing.uri, record, { staff: (notes ?? standing.notes).staff, news })
        : []),
    ],
  }
}

/** Whoever has the link, or plans the work; undefined for who may still be told by the record. */
async function actorBefore(
  { sql, links, clock }: BookingDeps,
  { input, viewer }: ChangeCall,
  tenant: string,
): Promise<Actor | undefined> {
  const did = viewer?.did
  const role = await staffRole(sql, { tenant, did, permission: 'manage_orders' })
  if (role) return { by: 'staff', actor: did!, role }
  if (input.token === undefined) return undefined
  if (readLink(links, input.token, clock.now()) !== knownUri(input.appointment))
    throw notFound('appointment of this link')
  return { by: 'customer', actor: did ?? tenant, role: 'link' }
}

/** Whoever does the work, or whose appointment it is. */
async function actorOf(
  sql: Sql,
  viewer: Viewer | undefined,
  { tenant, place, notes }: Standing,
): Promise<Actor | undefined> {
  if (!viewer) return undefined
  const { did: actor } = viewer
  if (notes.staff?.includes(actor)) return { by: 'staff', actor, role: PERFORMER }
  const { rows } = await sql.query(
    'select 1 from repo.customer where tenant = $1 and who = $2 and skey = $3',
    [tenant, actor, place.split('/').at(-1)],
  )
  return rows.length > 0 ? { by: 'customer', actor, role: 'customer' } : undefined
}

/** Whether an appointment can go to a state, from one when it is said: false when it is there
 *  already. Throws `InvalidTransition` with where it can. */
export function goes({ record }: Pick<Standing, 'record'>, to: string, from?: string): boolean {
  const asked = { to, ...(from !== undefined && { from }) }
  return moveOf(appointments.machine!, record as Record<string, unknown>, asked) !== undefined
}
