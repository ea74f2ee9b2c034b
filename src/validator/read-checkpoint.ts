import type { Sql } from '../database/sql.ts'
import type { Epoch } from '../tokens/epoch.ts'
import type { Standing } from '../tokens/state-root.ts'

/**
 * Reads accounts as they were before the grants of an epoch that the books are in, in pages: those
 * it has begun with, less what it has granted. Nothing when the books are in another epoch.
 */
export async function readCheckpoint(
  sql: Sql,
  ledger: string,
  {
    epoch,
    after,
    limit,
  }: { readonly epoch: Epoch; readonly after: string; readonly limit: number },
): Promise<{ readonly accounts: Standing[]; readonly last?: string }> {
  type Row = { did: string; seq: string; head: string | null; balance: string }
  const { rows } = await sql.query<Row>(PAGE, [ledger, epoch.epoch, after, limit])
  const granted = grantedTo(epoch)
  const accounts = rows.map(({ did, seq, head, balance }) => ({
    did,
    seq: Number(seq),
    ...(head !== null && { head }),
    balance: BigInt(balance) - (granted.get(did) ?? 0n),
  }))
  const last = rows.length < limit ? undefined : rows.at(-1)?.did
  return {
    accounts: accounts.filter(({ seq, balance }) => seq > 0 || balance !== 0n),
    ...(last !== undefined && { last }),
  }
}

/** The snapshot of persons that an epoch in the books pins. */
export async function storedSnapshot(
  sql: Sql,
  ledger: string,
  epoch: number,
): Promise<Uint8Array | undefined> {
  const { rows } = await sql.query<{ personhood: Uint8Array | null }>(SNAPSHOT, [ledger, epoch])
  const bytes = rows[0]?.personhood
  return bytes ? new Uint8Array(bytes) : undefined
}

function grantedTo({ grants }: Epoch): Map<string, bigint> {
  const granted = new Map<string, bigint>()
  for (const { pool, to, amount } of grants) {
    const did = pool ?? to!
    granted.set(did, (granted.get(did) ?? 0n) + BigInt(amount))
  }
  return granted
}

/** One statement sees one epoch, whether or not the books turn between two pages. */
const PAGE = `select o.did, o.seq, o.head, o.balance from ledger.opening o
  join ledger.validator v on v.ledger = o.ledger and v.epoch = $2
  where o.ledger = $1 and o.did > $3 order by o.did limit $4`
const SNAPSHOT = 'select personhood from ledger.epoch where ledger = $1 and epoch = $2'
