import type { l } from '@atproto/lex'
import { nativeCrypto } from '../../crypto/native.ts'
import type { co } from '../../lexicons/index.ts'
import { verificationHash } from '../../tokens/worth/verification-hash.ts'
import { instant } from '../define.ts'
import { type Looking, lookUp } from '../look.ts'
import type { Sql } from '../sql.ts'
import { type Totals, historyOf, totalsOf } from './account-figures.ts'
import { anomaliesOf } from './account-anomalies.ts'
import { reputationOf } from './reputation-figures.ts'

type BalanceView = co.kendev.tokens.defs.BalanceView

/** What an account has on a ledger that this node follows. */
export async function findBalance(
  looking: Looking,
  { ledger, did, now }: { ledger: string; did: string; now: Date },
): Promise<BalanceView> {
  const { sql, viewer } = looking
  const account = did as l.DidString
  const [look, state, totals, history, reputation, elsewhere, flags] = await Promise.all([
    lookUp(looking, [did]),
    stateOf(sql, ledger),
    totalsOf(sql, ledger, did),
    historyOf(sql, ledger, did),
    reputationOf(sql, { ledger, did, viewer }),
    elsewhereOf(sql, did),
    anomaliesOf(sql, { ledger, did, now }),
  ])
  return {
    account: look.person(account),
    ledger,
    code: state.code,
    currentBalance: totals.balance,
    balanceBreakdown: breakdownOf(totals.given),
    transactionSummary: summaryOf(totals),
    ...(reputation && { reputation }),
    governance: {},
    crossNetworkBalances: elsewhere,
    security: {
      ...(state.verifiedAt && { lastVerified: instant(state.verifiedAt) }),
      verificationHash: hashOf(did, totals),
      anomalyFlags: state.isMismatched ? [...new Set([...flags, 'balance_mismatch'])] : flags,
    },
    ...(totals.lastChangeAt && { lastUpdated: instant(totals.lastChangeAt) }),
    balanceHistory: history.map(({ at, balance, amount, reason, transfer }) => ({
      date: instant(at),
      balance,
      changeAmount: amount,
      changeReason: reason,
      ...(transfer !== null && { transfer }),
    })),
  }
}

function breakdownOf(given: Totals['given']): BalanceView['balanceBreakdown'] {
  return {
    karmaRewards: given['karma_reward'] ?? 0,
    peerRecognition: given['peer_recognition'] ?? 0,
    systemGrants: given['system_grant'] ?? 0,
    crossTenantEarnings: given['cross_tenant_exchange'] ?? 0,
    nodeRewards: given['node_reward'] ?? 0,
    justiceContributions: given['justice_fund'] ?? 0,
  }
}

function summaryOf(totals: Totals): BalanceView['transactionSummary'] {
  const { earned, spent, burned, transfers, lastTransferAt } = totals
  return {
    totalEarned: earned,
    totalSpent: spent,
    totalBurned: burned,
    transactionCount: transfers,
    ...(lastTransferAt && { lastTransactionAt: instant(lastTransferAt) }),
  }
}

function hashOf(user: string, { balance, lastTransfer, transfers: count }: Totals): string {
  const last = lastTransfer === null ? {} : { last: lastTransfer }
  return verificationHash(nativeCrypto.sha256, { user, balance: BigInt(balance), ...last, count })
}

type State = { code: string; verifiedAt: Date | null; isMismatched: boolean }

/** Of a ledger no epoch of which is here yet, nothing is known but its name. */
async function stateOf(sql: Sql, ledger: string): Promise<State> {
  const { rows } = await sql.query<State>({ name: 'token state', text: STATE }, [ledger])
  return rows[0]!
}

async function elsewhereOf(sql: Sql, did: string): Promise<BalanceView['crossNetworkBalances']> {
  type Said = { node: l.DidString; ledger: string; epoch: number; at: Date; balance: string }
  const { rows } = await sql.query<Said>({ name: 'token elsewhere', text: ELSEWHERE }, [did])
  return rows.map(({ node, ledger, epoch, at, balance }) => ({
    ledger,
    nodeId: node,
    balance: Number(balance),
    epoch,
    lastSyncAt: instant(at),
  }))
}

const STATE = `select coalesce((select e.content->>'code' from appview."tokenEpoch" e
      where e.ledger = $1 order by e.epoch desc limit 1), '') as code,
    case when bool_and(k."isVerified" or k.standing = 'open') then max(k."foldedAt") end
      as "verifiedAt",
    coalesce(bool_or(k.standing = 'settled' and not k."isVerified"), false) as "isMismatched"
  from node."tokenEpoch" k where k.ledger = $1`

/** Nodes that have been validators of a ledger that this node follows. */
const ELSEWHERE = `select distinct on (c.did, c.ledger) c.did as node, c.ledger, c.epoch,
    c."createdAt" as at, x->>'balance' as balance
  from appview."tokenCheckpoint" c, jsonb_array_elements(c.content->'accounts') x
  where c.first collate "C" <= $1 and c.last collate "C" >= $1 and x->>'account' = $1
    and exists (select 1 from node."tokenEpoch" k join appview."tokenEpoch" e on e.id = k.id
      where k.ledger = c.ledger and e.content->'validators' @> jsonb_build_array(
        jsonb_build_object('did', c.did)))
  order by c.did, c.ledger, c.epoch desc, c.uri limit 100`
