import { transfer } from '../collections/tokens/transfer.ts'
import { recordUri } from '../reference.ts'
import type { Sql } from '../sql.ts'

/** Keeps why validators have refused a version of a transfer; the last reason counts. */
export async function keepRefusal(
  sql: Sql,
  of: { account: string; rkey: string; cid: string; reason: string; detail: string },
  now: Date,
): Promise<void> {
  const { account, rkey, cid, reason, detail } = of
  const uri = recordUri(account, transfer.nsid, rkey)
  await sql.query(KEEP, [uri, cid, reason, detail.slice(0, 500), now])
}

const KEEP = `insert into node."tokenRefusal" (uri, cid, reason, detail, at)
  values ($1, $2, $3, $4, $5)
  on conflict (uri) do update set cid = excluded.cid, reason = excluded.reason,
    detail = excluded.detail, at = excluded.at`
