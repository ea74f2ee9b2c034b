import type { Sql } from '../sql.ts'
import { newestEpoch } from './newest-epoch.ts'

/** Most accounts that are found missing at once; the others are when these are there. */
const MISSING_MAX = 500

/** The validators of the newest epoch of a ledger known here: in the repos of their nodes' accounts
 *  certificates are published. */
export async function validatorsOf(sql: Sql, ledger: string): Promise<string[]> {
  const newest = await newestEpoch(sql, ledger)
  return newest?.epoch.validators.map(({ did }) => did) ?? []
}

/** Accounts that good certificates name and whose transfers have not been read here. */
export async function missingSenders(sql: Sql, ledger: string): Promise<string[]> {
  const { rows } = await sql.query<{ account: string }>(MISSING, [ledger, MISSING_MAX])
  return rows.map(({ account }) => account)
}

const MISSING = `select distinct j.account from node."tokenJudgement" j
  where j.ledger = $1 and j.reason is null
    and not exists (select 1 from node."tokenContent" k where k.id = j.transfer) limit $2`
