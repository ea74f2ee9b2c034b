import { TENANT_SPACE, audienceUri, ensureAudience } from '../../../permissioned/audience.ts'
import { type Appointment, earnedOf } from '../../booking/appointment-change.ts'
import { appointmentCommission } from '../../booking/appointment-commission.ts'
import type { Deciding, TenantWrite } from '../../business/transact.ts'
import { appointmentNotes } from '../../collections/booking/appointment-notes.ts'
import { appointmentTerms } from '../../collections/booking/appointment-terms.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import { notFound } from '../../not-found.ts'
import { knownUri, readReference, recordUri } from '../../reference.ts'
import type { Sql } from '../../sql.ts'

/** An appointment where it stands, with what the staff and the managers know of it. */
export type Standing = {
  readonly tenant: string
  readonly rkey: string
  readonly uri: string
  readonly place: string
  readonly cid: string
  readonly record: Appointment
  readonly notes: Notes
  readonly terms: Terms
}

/** What stands with the staff. */
export type Notes = Record<string, unknown> & {
  staff?: string[]
  bufferTime?: { before: number; after: number }
  heldBy?: string
}
/** What stands with the managers. */
export type Terms = Record<string, unknown> & { source?: string; performer?: string }

/** Where an appointment stands and of which tenant it is. Throws `NotFound`. */
export async function placeOfAppointment(
  sql: Sql,
  uri: string,
): Promise<{ tenant: string; rkey: string; place: string; uri: string }> {
  const known = knownUri(uri)
  const { rows } = await sql.query<{ did: string; rkey: string; place: string }>(
    `select did, rkey, place from appview."${appointments.table}" where uri = $1`,
    [known],
  )
  if (!rows[0]) throw notFound(`appointment ${uri}`)
  const { did: tenant, rkey, place } = rows[0]
  return { tenant, rkey, place, uri: known }
}

/** An appointment as the transaction sees it. Throws `NotFound`. */
export async function standingOf(
  d: Deciding,
  at: { rkey: string; place: string },
): Promise<Standing> {
  const { rkey, place } = at
  const found = await d.read({ place, collection: appointments.nsid, rkey })
  const uri = recordUri(d.tenant, appointments.nsid, rkey)
  if (!found) throw notFound(`appointment ${uri}`)
  const { tenant } = d
  const notes = await d.read({
    ...sidecar(tenant, 'staff'),
    collection: appointmentNotes.nsid,
    rkey,
  })
  const terms = await d.read({
    ...sidecar(tenant, 'managers'),
    collection: appointmentTerms.nsid,
    rkey,
  })
  const { $type: _, ...record } = found.record
  return {
    tenant,
    rkey,
    uri,
    place,
    cid: found.cid,
    record: record as Appointment,
    notes: (notes?.record ?? {}) as Notes,
    terms: (terms?.record ?? {}) as Terms,
  }
}

/** The writes of an appointment with what stands beside it; what is left out stays as it is. The
 *  commission follows from its state, and is what managers read (`domain.md` D-60, D-61). */
export async function appointmentWrites(
  d: Deciding,
  at: Pick<Standing, 'rkey' | 'place'>,
  files: {
    record: Appointment
    notes?: Notes
    terms?: Terms
    /** As the ledger has it; reckoned by the price where it has none. */
    commission?: number | undefined
  },
): Promise<TenantWrite[]> {
  const { rkey, place } = at
  const { tenant, now } = d
  const appointment = recordUri(tenant, appointments.nsid, rkey)
  const beside = { appointment, updatedAt: now.toISOString() }
  const writes: TenantWrite[] = [
    { place, collection: appointments.nsid, rkey, record: files.record },
  ]
  if (files.notes) {
    await ensureAudience(d.tx, { authority: tenant, audience: 'staff', type: TENANT_SPACE, now })
    const record = { ...files.notes, ...beside }
    writes.push({ ...sidecar(tenant, 'staff'), collection: appointmentNotes.nsid, rkey, record })
  }
  if (files.terms) {
    await ensureAudience(d.tx, { authority: tenant, audience: 'managers', type: TENANT_SPACE, now })
    const earned = withCommission(files.terms, files.record, now, files.commission)
    const record = { ...earned, ...beside }
    writes.push({ ...sidecar(tenant, 'managers'), collection: appointmentTerms.nsid, rkey, record })
  }
  return writes
}

/** What managers read of an appointment in this state. */
export function withCommission(
  terms: Terms,
  record: Appointment,
  now: Date,
  booked?: number,
): Terms {
  const { source = 'system_generated' } = terms
  const { commissionAmount: _, earnedAt, ...kept } = terms
  const net = earnedOf(record)
  const { rateBp, amount } = appointmentCommission(
    { appointmentType: record.appointmentType ?? 'general_service', source },
    net,
  )
  const currency = record.service?.price?.currency
  const isOver = ['completed', 'no_show'].includes(record.status)
  return {
    ...kept,
    source,
    commissionRateBp: rateBp,
    ...(isOver &&
      currency !== undefined && {
        commissionAmount: { amount: booked ?? amount, currency },
        earnedAt: earnedAt ?? now.toISOString(),
      }),
  }
}

function sidecar(tenant: string, audience: 'staff' | 'managers') {
  return { place: audienceUri(tenant, audience, TENANT_SPACE) }
}

/** The key of a record by its uri; empty for what is no uri of a record. */
export function keyOf(uri: string): string {
  return readReference(uri)?.rkey ?? ''
}
