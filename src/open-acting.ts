import { type Acting, type Versions, resumeActs } from './appview/act.ts'
import {
  type PaymentProvider,
  sandboxBilling,
  sandboxPayments,
} from './appview/billing-provider.ts'
import { resumeFounding } from './appview/found-space.ts'
import type { Karma } from './appview/karma/keep-karma.ts'
import { resumeMoves } from './appview/move-record.ts'
import { resumeProvisioning } from './appview/provision.ts'
import type { Provisioning } from './appview/provisioning-steps.ts'
import { finishRestricting } from './appview/restrict.ts'
import type { SqlPool } from './appview/sql.ts'
import { renewDue } from './appview/subscriptions/renew-due.ts'
import { endOfTrials } from './appview/tenant-clocks.ts'
import { refuseTenantHandle } from './appview/tenants.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { Jobs } from './jobs/jobs.ts'
import type { Log } from './log.ts'
import type { NodePds } from './open-pds.ts'
import { createRepoReads } from './permissioned/store/repo-reads.ts'
import { alignAdmissions } from './public-admissions.ts'

type Options = { config: Config; pds: NodePds; jobs: Jobs; clock: Clock; log: Log }

/** What people's acts in the name of spaces and tenants need, from the parts of the node. */
export function actingParts(
  options: Options & { nextTid: () => string },
  reading: { pool: SqlPool } & Pick<Acting, 'writer' | 'progress'>,
): Provisioning & { readonly sql: SqlPool; readonly payments: PaymentProvider } {
  const { config, pds, jobs, clock, log, nextTid } = options
  const { pool: sql, writer, progress } = reading
  const { handleDomain } = config
  return {
    sql,
    writer,
    progress,
    clock,
    log,
    nextTid,
    handleDomain,
    ensureAccount: async (handle) => {
      await refuseTenantHandle(sql, handle, handleDomain)
      return pds.ensureAccount(handle)
    },
    ensureTenantAccount: (handle) => pds.ensureAccount(handle),
    removeAccount: pds.removeAccount,
    outbox: jobs,
    versions: versionsOf(pds, sql),
    billing: sandboxBilling,
    payments: sandboxPayments,
  }
}

/** Finishes what a stop has interrupted, and begins what is done again and again. */
export async function finishAndBegin(
  { jobs, log }: Options,
  acting: ReturnType<typeof actingParts> & { readonly karma: Karma },
): Promise<void> {
  const spaces = await resumeFounding(acting)
  if (spaces > 0) log.info({ spaces }, 'finished spaces that a stop had interrupted')
  await resumeActs(acting)
  await resumeProvisioning(acting)
  await alignAdmissions(acting.sql)
  await finishRestricting(acting)
  const records = await resumeMoves(acting)
  if (records > 0) log.info({ records }, 'finished moves that a stop had interrupted')
  await acting.karma.settle({ anew: true })
  await jobs.every('karma', '* * * * *', () => acting.karma.sweep())
  await jobs.every('subscriptions', '* * * * *', () => renewDue(acting))
  await jobs.every('tenant-clocks', '*/15 * * * *', () => endOfTrials(acting))
}

/** The versions of records, in whichever repo of this node they stand. */
function versionsOf(pds: NodePds, sql: SqlPool): Versions {
  const reads = createRepoReads(sql)
  return {
    cidOf: async ({ place, ...at }) =>
      place === '' ? pds.recordCid(at) : (await reads.getRecord({ ...at, space: place }))?.cid,
  }
}
