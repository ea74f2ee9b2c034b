import { InvalidRequestError, XRPCError } from '@atproto/xrpc-server'
import { type Kept, type Provisioning, type Step, provisioningSteps } from './provisioning-steps.ts'
import type { SqlPool } from './sql.ts'
import { type LogEntry, type Tenant, findTenant, provisioningLog } from './tenants.ts'
import { notFound } from './not-found.ts'

/** Setting up takes turns, over all processes. */
type Deps = Provisioning & { readonly sql: SqlPool }

/**
 * Takes every step that a tenant still needs. One that fails is logged with its reason and ends the
 * run: the tenant stays pending, to be gone on with or rolled back. Answers how the tenant is then.
 */
export async function provision(p: Deps, id: string): Promise<Tenant> {
  return inTurn(p, id, async () => {
    const done = await stepsDone(p, id)
    for (const step of provisioningSteps)
      if (!done.has(step.name) && !(await take(p, step, id))) break
    return current(p, id)
  })
}

/** Takes back what was done for a tenant that is not set up to the end, last step first, and
 *  forgets it. Throws `InvalidTransition` for one that is set up. Answers the whole log. */
export async function rollBack(p: Deps, id: string): Promise<LogEntry[]> {
  return inTurn(p, id, async () => {
    const tenant = await current(p, id)
    if (tenant.isProvisioned)
      throw new InvalidRequestError(
        'It is set up: it can be suspended and archived, not rolled back.',
        'InvalidTransition',
      )
    const done = await stepsDone(p, id)
    for (const { name, undo } of provisioningSteps.toReversed()) {
      const kept = done.get(name)
      if (!kept) continue
      await undo?.(p, await current(p, id), kept)
      await p.sql.query('delete from node."provisioningStep" where tenant = $1 and step = $2', [
        id,
        name,
      ])
      await note(p, id, { action: name, status: 'success', details: 'taken back' })
    }
    const log = await provisioningLog(p.sql, id)
    await p.sql.query('delete from node.tenant where id = $1', [id])
    return log
  })
}

/** Goes on with what a stop has interrupted: tenants whose last step neither failed nor was the
 *  last. Answers how many there were. */
export async function resumeProvisioning(p: Deps): Promise<number> {
  const { rows } = await p.sql.query<{ id: string }>(
    `select t.id from node.tenant t where not t."isProvisioned"
       and coalesce((select l.status from node."provisioningLog" l where l.tenant = t.id
                     order by n desc limit 1), 'success') = 'success'
       and not exists (select 1 from node."provisioningLog" l
                       where l.tenant = t.id and l.details = 'taken back')`,
  )
  for (const { id } of rows) await provision(p, id)
  return rows.length
}

async function take(p: Deps, { name, run }: Step, id: string): Promise<boolean> {
  try {
    const kept = (await run(p, await current(p, id))) ?? {}
    await p.sql.query(
      `insert into node."provisioningStep" (tenant, step, kept) values ($1, $2, $3)
       on conflict do nothing`,
      [id, name, JSON.stringify(kept)],
    )
    await note(p, id, { action: name, status: 'success', details: null })
    return true
  } catch (error) {
    if (!(error instanceof XRPCError)) p.log.warn({ err: error, tenant: id, name }, 'a step failed')
    const details = error instanceof Error ? error.message : String(error)
    await note(p, id, { action: name, status: 'failed', details })
    return false
  }
}

async function note(p: Deps, id: string, entry: Omit<LogEntry, 'at'>): Promise<void> {
  const { action, status, details } = entry
  await p.sql.query(
    `insert into node."provisioningLog" (tenant, n, action, status, details, at)
     select $1, coalesce(max(n), 0) + 1, $2, $3, $4, $5::timestamptz
     from node."provisioningLog" where tenant = $1`,
    [id, action, status, details, p.clock.now()],
  )
}

async function stepsDone(p: Deps, id: string): Promise<Map<string, Kept>> {
  const { rows } = await p.sql.query<{ step: string; kept: Kept }>(
    'select step, kept from node."provisioningStep" where tenant = $1',
    [id],
  )
  return new Map(rows.map(({ step, kept }) => [step, kept]))
}

async function current(p: Deps, id: string): Promise<Tenant> {
  const tenant = await findTenant(p.sql, id)
  if (!tenant || tenant.id !== id) throw notFound(`tenant ${id}`)
  return tenant
}

async function inTurn<T>({ sql }: Deps, id: string, work: () => Promise<T>): Promise<T> {
  const client = await sql.connect()
  try {
    await client.query('select pg_advisory_lock(hashtext($1))', [`tenant ${id}`])
    return await work()
  } finally {
    await client.query('select pg_advisory_unlock(hashtext($1))', [`tenant ${id}`])
    client.release()
  }
}
