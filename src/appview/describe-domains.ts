import { setTimeout as sleep } from 'node:timers/promises'
import { XRPCError } from '@atproto/xrpc-server'
import { type Acting, act } from './act.ts'
import { tenant as tenantRecord } from './collections/platform/tenant.ts'
import { type Domain, domainsOf } from './domains.ts'
import type { AuditEvent } from './audit.ts'
import type { Job } from '../jobs/jobs.ts'
import { type Tenant, findTenant } from './tenants.ts'

/** What keeping names in step needs. */
export type Describing = Acting & {
  readonly handleOf: (did: string) => Promise<string | undefined>
  /** Gives an account of this node a handle; throws `HandleNotAvailable`. */
  readonly setHandle: (did: string, handle: string) => Promise<void>
}

/** The queue of tenants whose names have changed. */
export const DESCRIBE = 'describe-domains'

type By = Pick<AuditEvent, 'actor' | 'role' | 'action'>

/** A job that brings a tenant's record and handles in step with its domains. */
export function describeJob(tenant: Tenant, by: By, key: string): Job {
  return { queue: DESCRIBE, key: `${tenant.id} ${key}`, data: { tenant: tenant.id, by } }
}

/** Says in a tenant's record which domains it has proven, and gives the tenant and its public
 *  spaces handles of the primary one. Doing it again changes nothing. */
export async function describeDomains(d: Describing, id: string, by: By): Promise<void> {
  const tenant = await findTenant(d.sql, id)
  if (!tenant?.did || !tenant.isProvisioned) return
  const domains = await domainsOf(d.sql, tenant)
  await abreast(() => writeRecord(d, tenant.did!, domains, by))
  const primary = domains.find(({ isPrimary }) => isPrimary)?.domain
  if (primary === undefined) return
  if ((await d.handleOf(tenant.did)) !== primary) await d.setHandle(tenant.did, primary)
  const names = domains.filter(({ verifiedAt }) => verifiedAt !== null).map((each) => each.domain)
  for (const space of await publicSpacesOf(d, tenant.did)) await renameSpace(d, space, names)
}

const TRIES = 10
const WAIT_MS = 100

/** Tries again when the record has changed since the views had it: the job and the answer bring it
 *  in step at about the same time. */
async function abreast(write: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write()
    } catch (error) {
      const lost = error instanceof XRPCError && error.customErrorName === 'InvalidSwap'
      if (!lost || attempt === TRIES) throw error
      await sleep(WAIT_MS)
    }
  }
}

async function writeRecord(d: Describing, did: string, domains: Domain[], by: By): Promise<void> {
  const { rows } = await d.sql.query<{ content: object; cid: string }>(
    `select content, cid from appview.tenant where did = $1 and rkey = 'self'`,
    [did],
  )
  const [row] = rows
  if (!row) return
  const { domain, domainAliases: _, ...rest } = row.content as Record<string, unknown>
  const shown = domains.filter((each) => each.verifiedAt !== null && each.isActive)
  const aliases = shown.filter((each) => !each.isPrimary)
  const told = aliases.map((each) => ({ domain: each.domain, type: each.type }))
  await act(d, {
    at: { did, collection: tenantRecord.nsid, rkey: 'self', place: '' },
    record: {
      ...rest,
      $type: tenantRecord.nsid,
      domain: domains.find(({ isPrimary }) => isPrimary)?.domain ?? domain,
      ...(told.length > 0 && { domainAliases: told }),
    },
    swap: row.cid,
    by,
  })
}

/** The spaces that this node has founded for the tenant and that everybody may know. */
async function publicSpacesOf({ sql }: Describing, tenant: string): Promise<string[]> {
  const { rows } = await sql.query<{ did: string }>(
    `select p.did from node."pendingSpace" p join appview.space s on s.did = p.did and s.place = ''
     where p.records->'space'->>'tenant' = $1`,
    [tenant],
  )
  return rows.map(({ did }) => did)
}

/** The first of the tenant's names is the primary one. */
async function renameSpace(d: Describing, did: string, names: readonly string[]): Promise<void> {
  const handle = await d.handleOf(did)
  const name = names.find((each) => handle?.endsWith(`.${each}`))
  if (handle === undefined || name === undefined) return
  const first = handle.slice(0, -name.length - 1)
  const wanted = `${first}.${names[0]}`
  if (handle !== wanted) await d.setHandle(did, wanted)
}
