import type { Transact } from '../../business/transact.ts'
import { waitlistEntry as entries } from '../../collections/booking/waitlist-entry.ts'
import type { Sql } from '../../sql.ts'

const AT_ONCE = 200

/** Ends entries of waiting lists whose time has passed: nobody waits for yesterday. */
export async function expireEntries(deps: {
  sql: Sql
  transact: Transact
  clock: { now(): Date }
}): Promise<void> {
  const { rows } = await deps.sql.query<{ tenant: string; rkey: string; place: string }>(
    `select did as tenant, rkey, place from appview."${entries.table}"
     where status in ('waiting', 'offered') and "to" <= $1 limit ${AT_ONCE}`,
    [deps.clock.now()],
  )
  for (const { tenant, rkey, place } of rows) {
    const by = { actor: tenant, role: 'system', action: 'expire-entries' }
    await deps.transact({ tenant }, async (d) => {
      const found = await d.read({ place, collection: entries.nsid, rkey })
      const isOpen = ['waiting', 'offered'].includes(String(found?.record['status']))
      if (!found || !isOpen) return { answer: {}, writes: [], by }
      const record = { ...found.record, status: 'expired', updatedAt: d.now.toISOString() }
      return { answer: {}, writes: [{ place, collection: entries.nsid, rkey, record }], by }
    })
  }
}
