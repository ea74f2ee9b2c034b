import { transfer } from '../collections/tokens/transfer.ts'
import type { Sql } from '../sql.ts'

/** A transfer that no published certificate makes final. */
export type WaitingTransfer = {
  readonly account: string
  readonly rkey: string
  readonly cid: string
}

/** The transfers of an epoch that no certificate known here makes final, or none by that publisher,
 *  if it is named: those of an account in the order of their numbers, and only
 *  its first ones; what came in last is looked at first. */
export async function waitingTransfers(
  sql: Sql,
  of: {
    readonly ledger: string
    readonly epoch: number
    readonly publisher?: string
  },
): Promise<WaitingTransfer[]> {
  const { ledger, epoch, publisher } = of
  const given = [ledger, epoch, WAITING_MAX, placeBy(publisher)]
  const { rows } = await sql.query<WaitingTransfer>(WAITING, given)
  return rows
}

/** Those of these transfers that a certificate known here makes final: one by that publisher, if it
 *  is named. */
export async function finalTransfers(
  sql: Sql,
  ids: readonly string[],
  publisher?: string,
): Promise<Set<string>> {
  const { rows } = await sql.query<{ transfer: string }>(FINAL, [ids, placeBy(publisher)])
  return new Set(rows.map((row) => row.transfer))
}

/** Those of these transfers that any good certificate known here is about. */
export async function certifiedTransfers(sql: Sql, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql.query<{ transfer: string }>(CERTIFIED, [ids])
  return new Set(rows.map((row) => row.transfer))
}

/** How the addresses of certificates begin that somebody has published, or anybody. */
function placeBy(publisher: string | undefined): string {
  return publisher === undefined ? 'at://' : `at://${publisher}/`
}

const WAITING_MAX = 2_000
/** Of one account; the others come when these are through. */
const EACH_MAX = 50

const WAITING = `select account, rkey, cid from (
    select t.did as account, t.rkey, t.cid, t.seq, t."indexedAt",
      row_number() over (partition by t.did order by t.seq) as n
    from appview."${transfer.table}" t
    where t.ledger = $1 and t.epoch = $2 and not exists (
      select 1 from node."tokenJudgement" j
      where j.transfer = t.id and j.account = t.did and j.phase = 'apply' and j.reason is null
        and starts_with(j.uri, $4))
    order by t."indexedAt" desc limit $3) w
  where n <= ${EACH_MAX} order by account, seq`

const FINAL = `select distinct transfer from node."tokenJudgement"
  where transfer = any($1) and phase = 'apply' and reason is null and starts_with(uri, $2)`

const CERTIFIED = `select distinct transfer from node."tokenJudgement"
  where transfer = any($1) and reason is null`
