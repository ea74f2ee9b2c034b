import type { Clock } from '../clock.ts'
import type { Sql } from '../database/sql.ts'
import { readCertificate } from '../tokens/certificate.ts'
import { driveTransfer } from '../tokens/drive-transfer.ts'
import { type ReadEpoch, committeeOf } from '../tokens/epoch.ts'
import { isRefusal, refuse } from '../tokens/refusal.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import { readTransfer } from '../tokens/transfer.ts'
import type { Outbound } from '../outbound/fetch.ts'
import type { Wanted, WantedSource } from './certify-hosted.ts'
import { type CertifiedRow, listApplied } from './read-ledger.ts'
import { appliedPeers } from './wanted-sources.ts'

type Parts = {
  readonly crypto: TokenCrypto
  readonly fetch: Outbound
  readonly epoch: () => Pick<ReadEpoch, 'epoch' | 'id'>
  readonly clock: Clock
}

type From = {
  readonly sql: Sql
  readonly ledger: string
  /** Those of these transfers that a published certificate makes final. */
  readonly known: (ids: readonly string[]) => Promise<ReadonlySet<string>>
  /** Those that any published certificate is about. */
  readonly certified: (ids: readonly string[]) => Promise<ReadonlySet<string>>
  /** Has the repo of an account read here, if it is not hosted here. */
  readonly follow: (account: string) => Promise<void>
}

type Left = Wanted & { readonly id: string; readonly row: CertifiedRow; readonly since: number }

const PAGE = 500
const KEPT_MAX = 10_000
/** Looked at in one round, oldest first. */
const LOOKED_AT = 1_000
const EACH_ROUND = 20
const FOLLOWED_AT_ONCE = 8
/** How long the nodes of who pays and who is paid have to publish a certificate. */
const OTHERS_HAVE_MS = 60_000
/** How long certificates have that were under way when an epoch ended. */
const ENDED_MS = 10_000

/**
 * Transfers that this validator has applied and nobody has published: after a while it does so, so
 * that views everywhere come to what the validators have. Of an epoch that has ended it publishes
 * the locks of what was settled, since nobody attests any more that it was applied; what was not
 * settled is void. Repos of who has paid or was paid are read here from the first.
 */
export function leftOver(
  parts: Parts,
  from: From,
): WantedSource<Left> & {
  /** How many there are now of which no certificate was read here. */
  waiting(): number
} {
  const kept = new Map<string, Left>()
  const follow = follower(from.follow)
  let after = '0'
  const now = () => parts.clock.now().getTime()
  const take = (row: CertifiedRow) => {
    const { account, record } = row
    after = row.n
    const read = readTransfer(parts.crypto, account, record)
    if (isRefusal(read)) return
    // A row that was dropped as void in its epoch is not taken up again.
    const name = `${read.id} ${row.epoch}`
    kept.set(name, { account, name, id: read.id, row, since: now() })
    follow(account)
    // Who has got something may spend it, and from a host that has no part in the ledger.
    for (const { to } of read.transfer.credits) follow(to)
  }
  return {
    waiting: () => kept.size,
    async list() {
      while (kept.size < KEPT_MAX) {
        const rows = await listApplied(from.sql, from.ledger, { limit: PAGE, after })
        for (const row of rows) take(row)
        if (rows.length < PAGE) break
      }
      const looked = [...kept.values()].slice(0, LOOKED_AT)
      const isEnded = ({ row }: Left) => row.epoch < parts.epoch().epoch.epoch
      const idsOf = (all: readonly Left[]) => all.map(({ id }) => id)
      const final = await from.known(idsOf(looked.filter((one) => !isEnded(one))))
      const certified = await from.certified(idsOf(looked.filter(isEnded)))
      const left: Left[] = []
      for (const one of looked) {
        if (final.has(one.id) || certified.has(one.id)) kept.delete(one.name)
        else if (now() - one.since >= (isEnded(one) ? ENDED_MS : OTHERS_HAVE_MS)) left.push(one)
      }
      return left.slice(0, EACH_ROUND)
    },
    async certify(left) {
      const certified = await certify(parts, from, left)
      if (isRefusal(certified) && certified.reason === 'NotSettled') kept.delete(left.name)
      return certified
    },
  }
}

/** Follows each account once, a few at a time and in the background: looking somebody up may take
 *  long, and who cannot be followed now is followed when a published certificate names them. */
export function follower(follow: From['follow']): (account: string) => void {
  const known = new Set<string>()
  const waiting: string[] = []
  let running = 0
  const next = () => {
    const account = running < FOLLOWED_AT_ONCE ? waiting.shift() : undefined
    if (account === undefined) return
    running += 1
    void follow(account)
      .catch(() => undefined)
      .finally(() => {
        running -= 1
        next()
      })
  }
  return (account) => {
    if (known.has(account) || waiting.length >= KEPT_MAX) return
    if (known.size >= KEPT_MAX) known.clear()
    known.add(account)
    waiting.push(account)
    next()
  }
}

async function certify(
  { crypto, fetch, epoch }: Parts,
  { sql, ledger }: Pick<From, 'sql' | 'ledger'>,
  { account, id, row }: Left,
): ReturnType<WantedSource<Left>['certify']> {
  const at = epoch()
  const transfer = readTransfer(crypto, account, row.record)
  if (isRefusal(transfer)) return transfer
  if (row.epoch === at.epoch.epoch) {
    const peers = appliedPeers(fetch, at, row)
    return driveTransfer({ crypto, committee: committeeOf(at), peers, transfer })
  }
  const { rows } = await sql.query(SETTLED, [ledger, account, row.seq, row.epoch, id])
  if (rows.length === 0) {
    return refuse('NotSettled', `epoch ${row.epoch} has ended without ${id}`)
  }
  const read = readCertificate(row.certificate)
  return isRefusal(read) ? read : { status: 'settled', certificate: read.certificate }
}

const SETTLED = `select 1 from ledger.settled
  where ledger = $1 and account = $2 and seq = $3 and epoch = $4 and id = $5`
