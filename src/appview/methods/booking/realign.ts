import { reschedule } from '../../booking/appointment-change.ts'
import type { Appointment } from '../../booking/appointment-change.ts'
import { exists, instantOf, localOf } from '../../booking/local-time.ts'
import type { Transact } from '../../business/transact.ts'
import { appointment as appointments } from '../../collections/booking/appointment.ts'
import type { Log } from '../../../log.ts'
import type { Sql } from '../../sql.ts'
import { appointmentWrites, standingOf } from './appointment-records.ts'
import { freeUp } from './move-appointment.ts'
import { reminderJobs } from './reminders.ts'
import { stillTaken } from './still-taken.ts'
import { customerJob } from './tell-customer.ts'

type Row = { tenant: string; rkey: string; place: string; content: Appointment }
type Deps = {
  readonly sql: Sql
  readonly transact: Transact
  readonly clock: { now(): Date }
  readonly log: Log
}

/**
 * Moves appointments to come whose clock shows another time at their instant than was booked, as it
 * does when a country has changed its clocks and the time zone database with it: what was booked is
 * the time on the wall (`domain.md` 11.2). Answers how many.
 */
export async function realign(deps: Deps): Promise<number> {
  const { rows } = await deps.sql.query<Row>(TO_COME, [deps.clock.now()])
  const astray = rows.filter(({ content }) => isAstray(content))
  for (const { tenant, ...at } of astray) {
    const by = { actor: tenant, role: 'system', action: 'realign', reason: REASON }
    await deps
      .transact({ tenant }, async (d) => {
        const standing = await standingOf(d, at)
        const { record: before, terms, notes } = standing
        if (!isAstray(before)) return { answer: {}, writes: [], by }
        const start = instantOf(before.localStart!, before.timezone)
        const { organizer } = before
        const how = { now: d.now.getTime(), by: 'system', reason: REASON } as const
        const record = reschedule(before, how, { start, organizer })
        if (notes.heldBy === undefined) {
          await freeUp(d, standing)
          await stillTaken(d, { ...standing, record })
        }
        const writes = await appointmentWrites(d, standing, { record, terms })
        const told = customerJob(standing, 'rescheduled', `zone ${record.sequence}`)
        return { answer: {}, writes, jobs: [...reminderJobs(at, record, d.now), told], by }
      })
      .catch((err: unknown) => deps.log.error({ err, ...at }, 'an appointment is at a wrong time'))
  }
  return astray.length
}

const REASON = 'The clocks there were changed.'

function isAstray({ startTime, localStart, timezone, status }: Appointment): boolean {
  if (localStart === undefined || !['scheduled', 'confirmed'].includes(status)) return false
  if (!exists(localStart, timezone)) return false
  return localOf(Date.parse(startTime), timezone) !== localStart
}

const TO_COME = `select did as tenant, rkey, place, content from appview."${appointments.table}"
  where "startTime" > $1 and status in ('scheduled', 'confirmed')`
