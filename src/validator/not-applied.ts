import type { Sql } from '../database/sql.ts'
import type { CertifiedBytes } from '../tokens/drive-transfer.ts'
import { decodeRecord } from '../tokens/encoding.ts'
import { did } from '../tokens/shape.ts'
import type { Transfer } from '../tokens/transfer.ts'

/** Those of the transfers that the books do not have byte for byte: what others tell a validator is
 *  mostly what it has applied itself, and need not be judged again. */
export async function notApplied(
  sql: Sql,
  ledger: string,
  items: readonly CertifiedBytes[],
): Promise<CertifiedBytes[]> {
  const { rows } = await sql.query<{ at: string }>(KNOWN, [
    ledger,
    // Nobody has checked what they say, and Postgres does not take every text.
    items.map(({ account }) => (did(account, 'account') === undefined ? account : null)),
    items.map(({ record }) => seqOf(record)),
    items.map(({ record }) => record),
  ])
  const known = new Set(rows.map(({ at }) => Number(at)))
  return items.filter((_, index) => !known.has(index + 1))
}

/** The number that a record claims; null where it claims none, which is for others to judge. */
function seqOf(record: Uint8Array): number | null {
  const decoded = decodeRecord(record)
  const seq = decoded.ok && (decoded.value as Partial<Transfer> | null)?.seq
  return Number.isSafeInteger(seq) ? (seq as number) : null
}

const KNOWN = {
  name: 'ledger-known',
  text: `select w.at from unnest($2::text[], $3::bigint[], $4::bytea[]) with ordinality
      as w (account, seq, record, at)
    cross join lateral (
      select record from ledger.applied where ledger = $1 and account = w.account and seq = w.seq
        and record = w.record limit 1
    ) p`,
}
