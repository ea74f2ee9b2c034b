import { type Acting, type Versions, resumeActs } from './appview/act.ts'
import { type SignedLinks, createSignedLinks } from './appview/business/signed-links.ts'
import { forgetAnswers } from './appview/business/once.ts'
import { type Transact, createTransact } from './appview/business/transact.ts'
import {
  type PaymentProvider,
  sandboxBilling,
  sandboxPayments,
} from './appview/billing-provider.ts'
import { resumeFounding } from './appview/found-space.ts'
import type { Karma } from './appview/karma/keep-karma.ts'
import { DESCRIBE, type Describing, describeDomains } from './appview/describe-domains.ts'
import { INVOICE_SENT, type SentInvoice } from './appview/invoices/issue.ts'
import { tellInvoice } from './appview/invoices/tell-invoice.ts'
import { resumeMoves } from './appview/move-record.ts'
import type { Guests } from './appview/own-record.ts'
import { resumeProvisioning } from './appview/provision.ts'
import type { Provisioning } from './appview/provisioning-steps.ts'
import {
  FORGET_FEATURE,
  TELL_VOTERS,
  type Telling,
  forgetFeature,
  tellVoters,
} from './appview/roadmap.ts'
import { raiseAlerts } from './appview/raise-alerts.ts'
import { retireEntries } from './appview/retire-entries.ts'
import { finishRestricting } from './appview/restrict.ts'
import type { SqlPool } from './appview/sql.ts'
import { STOCK_CHANGED, stockChanged } from './appview/stock/stock-changed.ts'
import { renewDue } from './appview/subscriptions/renew-due.ts'
import { endOfTrials } from './appview/tenant-clocks.ts'
import { measureStorage } from './appview/tenant-storage.ts'
import { refuseTenantHandle } from './appview/tenants.ts'
import { type Turns, createTurns } from './appview/turns.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { Jobs } from './jobs/jobs.ts'
import type { SpaceKeeping } from './keep-spaces.ts'
import type { Log } from './log.ts'
import type { SendMail } from './mail/mail.ts'
import type { NodePds } from './open-pds.ts'
import { alignAdmissions } from './public-admissions.ts'

type Options = {
  config: Config
  pds: NodePds
  jobs: Jobs
  keeping: Pick<SpaceKeeping, 'store'>
  keys: { readonly linkSecret: string }
  clock: Clock
  log: Log
}

/** What acting is done with. */
type Parts = Provisioning &
  Describing & {
    readonly sql: SqlPool
    readonly payments: PaymentProvider
    readonly transact: Transact
    readonly inTurn: Turns
    readonly links: SignedLinks
  }

/** What people's acts in the name of spaces and tenants need, from the parts of the node. */
export function actingParts(
  options: Options & { nextTid: () => string },
  reading: { pool: SqlPool } & Pick<Acting, 'writer' | 'progress'>,
): Parts {
  const { config, pds, jobs, keeping, clock, log, nextTid } = options
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
    handleOf: pds.handleOf,
    setHandle: pds.setHandle,
    outbox: jobs,
    versions: versionsOf(pds, sql),
    billing: sandboxBilling,
    payments: sandboxPayments,
    transact: createTransact({ outbox: jobs, together: keeping.store, progress, clock, nextTid }),
    inTurn: createTurns(),
    links: createSignedLinks(options.keys.linkSecret),
  }
}

/** Finishes what a stop has interrupted, and begins what is done again and again. */
export async function finishAndBegin(
  { config, jobs, pds, sendMail, log }: Options & { sendMail: SendMail },
  acting: ReturnType<typeof actingParts> & { readonly karma: Karma; readonly guests: Guests },
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
  await jobs.work(DESCRIBE, (data) => {
    const { tenant, by } = data as { tenant: string; by: Parameters<typeof describeDomains>[2] }
    return describeDomains(acting, tenant, by)
  })
  await jobs.work(FORGET_FEATURE, ({ feature }) => forgetFeature(acting, String(feature)))
  await jobs.work(TELL_VOTERS, (data) => tellVoters(acting, data as unknown as Telling))
  const telling = { ...acting, sendMail, origin: config.publicUrl }
  await jobs.work(INVOICE_SENT, (data) => tellInvoice(telling, data as SentInvoice))
  await jobs.work(STOCK_CHANGED, () => stockChanged(acting))
  await jobs.every('karma', '* * * * *', () => acting.karma.sweep())
  await jobs.every('tenant-storage', '7 * * * *', () => measureStorage({ ...acting, ...pds }))
  const sweeping = { ...acting, isHosted: pds.isHosted }
  await jobs.every('channel-alerts', '* * * * *', async () => void (await raiseAlerts(sweeping)))
  await jobs.every('retention', '20 3 * * *', async () => void (await retireEntries(sweeping)))
  await jobs.every('subscriptions', '* * * * *', () => renewDue(acting))
  await jobs.every('answers', '17 * * * *', () => forgetAnswers(acting))
  await jobs.every('tenant-clocks', '*/15 * * * *', () => endOfTrials(acting))
}

/** The versions of records, in whichever repo of this node they stand, also where it keeps them for
 *  somebody whose host has no permissioned repos. */
function versionsOf(pds: NodePds, sql: SqlPool): Versions {
  return {
    cidOf: async ({ place, ...at }) => {
      if (place === '') return pds.recordCid(at)
      const key = [place, at.did, at.collection, at.rkey]
      return (await sql.query<{ cid: string }>(VERSION, key)).rows[0]?.cid
    },
  }
}

const VERSION = `select c.cid from repo.record c
  join repo.repo r on r.space = c.space and r.did = c.did and r."deletedAt" is null
  where c.space = $1 and c.did = $2 and c.collection = $3 and c.rkey = $4`
