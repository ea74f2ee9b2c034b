import type { Sql } from '../database/sql.ts'

/** A transfer with the certificate it was applied on, as the books have it. */
export type CertifiedRow = {
  readonly n: string
  readonly account: string
  readonly seq: number
  readonly epoch: number
  readonly record: Uint8Array
  readonly certificate: Uint8Array
}

/** Which transfers are asked for. */
export type Asked = {
  readonly account?: string
  /** First number of the account. */
  readonly from?: number
  readonly credited?: string
  /** Only what was applied in this epoch. */
  readonly epoch?: number
  readonly limit: number
  /** The last `n` of the list before. */
  readonly after?: string
}

type Row = Omit<CertifiedRow, 'seq'> & { readonly seq: string }

/** Transfers in the order in which they were applied. */
export async function listApplied(sql: Sql, ledger: string, asked: Asked): Promise<CertifiedRow[]> {
  const { account = null, from = null, credited = null, epoch = null, limit, after = '0' } = asked
  const { rows } = await sql.query<Row>(LIST, [
    ledger,
    after,
    account,
    from,
    credited,
    limit,
    epoch,
  ])
  return rows.map(({ record, certificate, seq, ...row }) => ({
    ...row,
    seq: Number(seq),
    record: new Uint8Array(record),
    certificate: new Uint8Array(certificate),
  }))
}

/** The records of epochs, from a number on. */
export async function listEpochRecords(
  sql: Sql,
  ledger: string,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<Uint8Array[]> {
  const { rows } = await sql.query<{ record: Uint8Array }>(EPOCHS, [ledger, from, limit])
  return rows.map(({ record }) => new Uint8Array(record))
}

const LIST = {
  name: 'ledger-list',
  text: `select n, account, seq, epoch, record, certificate from ledger.applied
    where ledger = $1 and n > $2::bigint and ($3::text is null or account = $3)
      and ($4::bigint is null or seq >= $4) and ($5::text is null or receivers @> array[$5::text])
      and ($7::int is null or epoch = $7)
    order by n limit $6`,
}
const EPOCHS = `select record from ledger.epoch where ledger = $1 and epoch >= $2
  order by epoch limit $3`
