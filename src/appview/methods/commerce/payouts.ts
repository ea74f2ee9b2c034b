import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { TENANT_SPACE, audienceUri } from '../../../permissioned/audience.ts'
import { feeDecision } from '../../collections/commerce/fee-decision.ts'
import { payout } from '../../collections/commerce/payout.ts'
import { requireSuperAdmin } from '../../node-roles.ts'
import { notFound } from '../../not-found.ts'
import { feeInForce } from '../../orders/fee-terms.ts'
import { storeOf } from '../../orders/find-goods.ts'
import { knownUri, readReference, recordUri, uriIn } from '../../reference.ts'
import { FEE_RULES, OPTIMIZED_BP, STANDARD_BP, decideFeeBy } from '../../revenue/decide-fee.ts'
import { netBetween } from '../../revenue/net-between.ts'
import { decidePayout, decideSettlement } from '../../revenue/payouts.ts'
import { type Mount, procedure } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { requireTenantPermission } from '../../tenant-access.ts'
import { type OrderDeps, feeDecisionView, payoutView } from './order-views.ts'

type PayoutDeps = OrderDeps & { readonly nodeAccount: () => Promise<string> }

const DAY = 86_400_000
/** A fee is decided about once in so long (`domain.md` N-04). */
const AGAIN_MS = 30 * DAY

/** What parties are paid and what the platform takes: `commerce.createPayout`, `settlePayout` and
 *  `decideFee`. */
export function payouts(mount: Mount, deps: PayoutDeps): void {
  procedure(mount, co.kendev.commerce.createPayout, async ({ input, viewer, idempotencyKey }) => {
    const { tenant, account, party } = input
    const by = await byManager(deps, { tenant, did: viewer.did })
    if (account === 'commission' && party === undefined)
      throw new InvalidRequestError('Say whose commission is to be paid out.', 'PartyMissing')
    const action = co.kendev.commerce.createPayout.$lxm
    const once = { caller: viewer.did, method: action, key: idempotencyKey, input }
    const rkey = await deps.transact({ tenant, once }, async (d) => {
      const { rkey: key, writes } = await decidePayout(d, input)
      return { answer: key, writes, by: { ...by, action } }
    })
    return (await payoutView(deps, uriOf(tenant, payout.nsid, rkey), viewer.did)) as never
  })

  procedure(mount, co.kendev.commerce.settlePayout, async ({ input, viewer }) => {
    const found = readReference(input.payout)
    if (!found) throw notFound(`payout ${input.payout}`)
    const { author: tenant, rkey } = found
    const by = await byManager(deps, { tenant, did: viewer.did })
    const action = co.kendev.commerce.settlePayout.$lxm
    const { to, reference } = input
    await deps.transact({ tenant }, async (d) => {
      const writes = await decideSettlement(d, { rkey, to, reference })
      return { answer: null, writes, by: { ...by, action } }
    })
    return (await payoutView(deps, knownUri(input.payout), viewer.did)) as never
  })

  procedure(mount, co.kendev.commerce.decideFee, async ({ input, viewer }) => {
    const { tenant, signals } = input
    await requireSuperAdmin(deps.sql, await deps.nodeAccount(), viewer.did)
    const rkey = await decideFee(deps, { tenant, signals, actor: viewer.did })
    return (await feeDecisionView(deps, uriOf(tenant, feeDecision.nsid, rkey), viewer.did)) as never
  })
}

type Asked = {
  tenant: string
  actor: string
  signals: Parameters<typeof decideFeeBy>[0]['signals']
}

async function decideFee(deps: OrderDeps, { tenant, signals, actor }: Asked): Promise<string> {
  const { sharing, settings } = await storeOf(deps.sql, tenant)
  const agreement = sharing?.agreementType ?? 'standard'
  return deps.transact({ tenant }, async (d) => {
    await requireWaited(d.tx, tenant, d.now)
    const currency = settings.currency ?? 'USD'
    const start = (back: number) =>
      new Date(Date.UTC(d.now.getUTCFullYear(), d.now.getUTCMonth() - back))
    const net = (from: number) =>
      netBetween(d.tx, { tenant, currency, since: start(from), until: start(from - 1) })
    const usual = agreement === 'ai-optimized' ? OPTIMIZED_BP : STANDARD_BP
    const beforeBp = (await feeInForce(d.tx, tenant, d.now)) ?? usual
    const basis = {
      agreement,
      agreedBp: sharing?.defaultRateBp,
      beforeBp,
      months: { before: await net(2), now: await net(1) },
      signals,
    }
    const decided = decideFeeBy(basis, d.now)
    if (!decided)
      throw new InvalidRequestError('This agreement needs its six signals.', 'SignalsMissing')
    const rkey = d.nextTid()
    const record = {
      agreement,
      feeBp: decided.feeBp,
      beforeBp,
      inputs: [...decided.inputs],
      ruleVersion: FEE_RULES,
      decidedAt: d.now.toISOString(),
      effectiveAt: decided.effectiveAt.toISOString(),
    }
    const place = audienceUri(tenant, 'managers', TENANT_SPACE)
    const write = { place, collection: feeDecision.nsid, rkey, record }
    const action = co.kendev.commerce.decideFee.$lxm
    return { answer: rkey, writes: [write], by: { actor, role: 'super_admin', action } }
  })
}

async function requireWaited(sql: Sql, tenant: string, now: Date): Promise<void> {
  const { rows } = await sql.query<{ last: Date }>(
    'select max("decidedAt") as last from appview."feeDecision" where did = $1',
    [tenant],
  )
  const last = rows[0]?.last as Date | null | undefined
  if (!last || +last + AGAIN_MS <= +now) return
  throw new InvalidRequestError(
    `It was decided about: decide again from ${new Date(+last + AGAIN_MS).toISOString()} on.`,
    'TooEarly',
  )
}

async function byManager(deps: OrderDeps, asks: { tenant: string; did: string }) {
  const wish = { ...asks, permission: 'manage_billing' } as const
  const { standing } = await requireTenantPermission(deps.sql, wish)
  return { actor: asks.did, role: standing.role }
}

function uriOf(tenant: string, nsid: string, rkey: string): string {
  return uriIn(audienceUri(tenant, 'managers', TENANT_SPACE), recordUri(tenant, nsid, rkey))
}
