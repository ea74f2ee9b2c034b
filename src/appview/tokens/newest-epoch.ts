import { nativeCrypto as crypto } from '../../crypto/native.ts'
import { type ReadEpoch, readEpoch } from '../../tokens/epoch.ts'
import { isRefusal } from '../../tokens/refusal.ts'
import type { Sql } from '../sql.ts'

/** The newest epoch of a ledger that this node knows to follow from the pinned first one. */
export async function newestEpoch(sql: Sql, ledger: string): Promise<ReadEpoch | undefined> {
  const { rows } = await sql.query<{ bytes: Buffer }>(NEWEST, [ledger])
  const read = rows[0] && readEpoch(crypto, new Uint8Array(rows[0].bytes))
  return read && !isRefusal(read) ? read : undefined
}

const NEWEST = `select bytes from node."tokenEpoch" where ledger = $1 order by epoch desc limit 1`
