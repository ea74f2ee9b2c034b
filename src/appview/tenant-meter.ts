import type { Clock } from '../clock.ts'
import type { Outbox } from '../jobs/jobs.ts'
import type { Log } from '../log.ts'
import { limitExceeded, warnOwner } from './limits.ts'
import { nearness } from './plans.ts'
import type { Sql } from './sql.ts'

/** A call that is about an account: a tenant, or a space. */
export type Call = {
  readonly about: string
  readonly caller: string | undefined
  /** Whether it is refused when the calls of the month are used up; reading never is. */
  readonly isLimited: boolean
}

/** Counts what is called for tenants. */
export type TenantMeter = AsyncDisposable & {
  /** Notes a call. Throws `LimitExceeded` (`domain.md` N-06). */
  count(call: Call): void
  /** Brings what was noted into the tables, and what others noted back. */
  settle(): Promise<void>
}

type Metered = {
  readonly id: string
  readonly did: string
  readonly name: string
  readonly owner: string
  readonly allowed: number
  calls: number
  unsaved: number
  /** When each person was last active and has not been noted as such. */
  readonly active: Map<string, Date>
  /** What its owner was warned of last. */
  warned: string
}

const SETTLE_MS = 2_000
/** Accounts that nobody knows for tenants, which a new one may be among. */
const UNKNOWN_MAX = 10_000

/** What was called about an account that is not known for a tenant's yet. */
type Unknown = { calls: number; readonly active: Map<string, Date> }

/**
 * Calls are counted in memory, so that reading costs nothing more, and settled every two seconds:
 * a kill may forget as many. The months are those of UTC.
 */
export function createTenantMeter(options: {
  sql: Sql
  outbox: Outbox
  clock: Clock
  log: Log
}): TenantMeter {
  const { sql, outbox, clock, log } = options
  let known: ReadonlyMap<string, Metered> = new Map()
  const unknown = new Map<string, Unknown>()
  let settling: Promise<void> | undefined
  const settle = async () => {
    const tenants = new Set(known.values())
    await save(sql, [...tenants], clock.now())
    for (const tenant of tenants) await warn(outbox, tenant, clock.now())
    known = await load(sql, known, clock.now())
    for (const [about, { calls, active }] of unknown)
      note(known.get(about), { calls, active: [...active] })
    unknown.clear()
  }
  const inTurn = () => {
    settling ??= settle().finally(() => (settling = undefined))
    return settling
  }
  const timer = setInterval(() => {
    inTurn().catch((error: unknown) => log.warn({ err: error }, 'usage could not be noted'))
  }, SETTLE_MS)
  timer.unref()
  return {
    count({ about, caller, isLimited }) {
      const active: [string, Date][] = caller === undefined ? [] : [[caller, clock.now()]]
      const tenant = known.get(about)
      if (!tenant) {
        const met = unknown.get(about) ?? { calls: 0, active: new Map<string, Date>() }
        met.calls += 1
        for (const [did, at] of active) met.active.set(did, at)
        if (unknown.size < UNKNOWN_MAX) unknown.set(about, met)
        return
      }
      const { calls: used, allowed } = tenant
      if (isLimited && used >= allowed)
        throw limitExceeded(
          { limit: 'apiCallsPerMonth', used, allowed },
          'Reading goes on. Writing does when the month is over, or with another plan.',
        )
      note(tenant, { calls: 1, active })
    },
    settle: inTurn,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await inTurn()
    },
  }
}

function note(
  tenant: Metered | undefined,
  { calls, active }: { calls: number; active: readonly [string, Date][] },
): void {
  if (!tenant) return
  tenant.calls += calls
  tenant.unsaved += calls
  for (const [did, at] of active) tenant.active.set(did, at)
}

/** The month in UTC, such as `2026-11`. */
export function monthOf(now: Date): string {
  return now.toISOString().slice(0, 7)
}

async function save(sql: Sql, tenants: readonly Metered[], now: Date): Promise<void> {
  const called = tenants.filter(({ unsaved }) => unsaved > 0)
  if (called.length > 0) {
    const counts = called.map(({ unsaved }) => unsaved)
    await sql.query(SAVE_CALLS, [called.map(({ id }) => id), counts, monthOf(now)])
    for (const [n, tenant] of called.entries()) tenant.unsaved -= counts[n]!
  }
  const active = tenants.flatMap(({ id, active: people }) => {
    const seen = [...people].map(([did, at]) => ({ id, did, at }))
    people.clear()
    return seen
  })
  if (active.length === 0) return
  await sql.query(SAVE_ACTIVITY, [
    active.map(({ id }) => id),
    active.map(({ did }) => did),
    active.map(({ at }) => at.toISOString()),
  ])
}

const SAVE_CALLS = `insert into node."tenantCalls" as c (tenant, month, calls)
  select tenant, $3, calls from unnest($1::text[], $2::bigint[]) as t(tenant, calls)
  on conflict (tenant, month) do update set calls = c.calls + excluded.calls`

/** Only its people are active for a tenant; to come again after half an hour is a visit. */
const SAVE_ACTIVITY = `insert into node."tenantActivity" as a (tenant, did, "lastActiveAt", visits)
  select s.tenant, s.did, s.at, 1
  from unnest($1::text[], $2::text[], $3::timestamptz[]) as s(tenant, did, at)
  join node.tenant t on t.id = s.tenant
  where exists (select 1 from repo.admission m
    where m.authority = t.did and m.subject = s.did and m.status = 'active')
  on conflict (tenant, did) do update set
    visits = a.visits
      + (excluded."lastActiveAt" - a."lastActiveAt" >= interval '30 minutes')::int,
    "lastActiveAt" = greatest(a."lastActiveAt", excluded."lastActiveAt")`

type Found = Omit<Metered, 'unsaved' | 'active' | 'warned'> & {
  about: string
  allowed: string
  calls: string
}

async function load(
  sql: Sql,
  before: ReadonlyMap<string, Metered>,
  now: Date,
): Promise<ReadonlyMap<string, Metered>> {
  const { rows } = await sql.query<Found>(LOAD, [monthOf(now)])
  const byId = new Map<string, Metered>()
  const had = new Map([...before.values()].map((tenant) => [tenant.id, tenant]))
  return new Map(
    rows.map(({ about, allowed, calls, ...tenant }) => {
      const old = had.get(tenant.id)
      const made = byId.get(tenant.id) ?? {
        ...tenant,
        allowed: Number(allowed),
        calls: Number(calls) + (old?.unsaved ?? 0),
        unsaved: old?.unsaved ?? 0,
        active: old?.active ?? new Map<string, Date>(),
        warned: old?.warned ?? '',
      }
      byId.set(tenant.id, made)
      return [about, made]
    }),
  )
}

const LOAD = `select x.about, t.id, t.did, t.name, t.owner,
    (t.limits->>'apiCallsPerMonth')::bigint as allowed, coalesce(c.calls, 0) as calls
  from node.tenant t
  cross join lateral (
    select t.did as about
    union all
    select p.did from node."pendingSpace" p
    where p.did is not null and p.records->'space'->>'tenant' = t.did) x
  left join node."tenantCalls" c on c.tenant = t.id and c.month = $1
  where t.did is not null and t."isProvisioned"`

async function warn(outbox: Outbox, tenant: Metered, now: Date): Promise<void> {
  const { calls: used, allowed } = tenant
  const told = `${monthOf(now)} ${allowed}`
  if (tenant.warned === told || nearness(used, allowed) === 'free') return
  tenant.warned = told
  await warnOwner(outbox, tenant, { limit: 'apiCallsPerMonth', used, allowed }, monthOf(now))
}
