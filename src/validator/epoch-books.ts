import type { Account } from '../tokens/account.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import type { ReadEpoch } from '../tokens/epoch.ts'
import type { EpochPhase } from '../tokens/ledger-view.ts'
import type { Seal } from '../tokens/seal.ts'
import type { Settled } from '../tokens/state-root.ts'
import { type Sql, transaction } from '../database/sql.ts'
import { type Books, fence } from './postgres-store.ts'

/** Stores in which phase of its epoch a validator is from now on. */
export function keepPhase(books: Books, phase: EpochPhase): Promise<void> {
  return transaction(books.sql, async (tx) => {
    await fence(tx, books)
    await tx.query('update ledger.validator set phase = $2 where ledger = $1', [
      books.ledger,
      phase,
    ])
  })
}

/** Stores a seal and, with the own one, that nothing new is signed any more. */
export function keepSeal(books: Books, { seal, cid }: { seal: Seal; cid: string }): Promise<void> {
  return transaction(books.sql, async (tx) => {
    await fence(tx, books)
    await tx.query(SEAL, [books.ledger, seal.epoch, seal.validator, cid, encodeRecord(seal)])
    await tx.query(`update ledger.validator set phase = 'sealed' where ledger = $1`, [books.ledger])
  })
}

/** The seal of a validator at the end of an epoch. */
export async function storedSeal(
  sql: Sql,
  ledger: string,
  { epoch, validator }: { readonly epoch: number; readonly validator: string },
): Promise<Uint8Array | undefined> {
  const { rows } = await sql.query<{ record: Uint8Array }>(READ_SEAL, [ledger, epoch, validator])
  return rows[0] && new Uint8Array(rows[0].record)
}

/** Promises the signature of an epoch's end to one next epoch; answers to which it is promised. */
export function promiseHandover(books: Books, epoch: number, id: string): Promise<string> {
  return transaction(books.sql, async (tx) => {
    await fence(tx, books)
    await tx.query(HANDOVER, [books.ledger, epoch, id])
    const { rows } = await tx.query<{ id: string }>(PROMISED, [books.ledger, epoch])
    return rows[0]!.id
  })
}

/** Stores the next epoch and what the one before has settled, before it is entered. */
export function keepEpoch(
  books: Books,
  { epoch, id }: Pick<ReadEpoch, 'epoch' | 'id'>,
  settled: readonly Settled[],
  personhood: Uint8Array | undefined,
): Promise<void> {
  return transaction(books.sql, async (tx) => {
    await fence(tx, books)
    const kept = [books.ledger, epoch.epoch, id, encodeRecord(epoch), personhood ?? null]
    await tx.query(EPOCH, kept)
    await tx.query(SETTLED, [
      books.ledger,
      epoch.epoch - 1,
      settled.map(({ account }) => account),
      settled.map(({ seq }) => seq),
      settled.map(({ transfer }) => transfer),
    ])
  })
}

/** Stores epochs that this node has heard of. */
export async function keepHeard(
  sql: Sql,
  ledger: string,
  heard: readonly Pick<ReadEpoch, 'epoch' | 'id'>[],
): Promise<void> {
  for (const { epoch, id } of heard) {
    await sql.query(EPOCH, [ledger, epoch.epoch, id, encodeRecord(epoch), null])
  }
}

/** The accounts that the current epoch has begun with. */
export async function openingAccounts(sql: Sql, ledger: string): Promise<Map<string, Account>> {
  type Row = { did: string; seq: string; head: string | null; balance: string }
  const { rows } = await sql.query<Row>(OPENING, [ledger])
  return new Map(
    rows.map(({ did, seq, head, balance }) => [
      did,
      {
        did,
        seq: Number(seq),
        ...(head !== null && { head }),
        balance: BigInt(balance),
        spent: 0n,
      },
    ]),
  )
}

const SEAL = `insert into ledger.seal (ledger, epoch, validator, cid, record)
  values ($1, $2, $3, $4, $5) on conflict do nothing`
const READ_SEAL = `select record from ledger.seal
  where ledger = $1 and epoch = $2 and validator = $3`
const HANDOVER = `insert into ledger.handover (ledger, epoch, id) values ($1, $2, $3)
  on conflict do nothing`
const PROMISED = 'select id from ledger.handover where ledger = $1 and epoch = $2'
/** The record may have come before its snapshot of persons. */
const EPOCH = `insert into ledger.epoch as e (ledger, epoch, id, record, personhood)
  values ($1, $2, $3, $4, $5) on conflict (ledger, epoch)
  do update set personhood = coalesce(e.personhood, excluded.personhood)`
const SETTLED = `insert into ledger.settled (ledger, epoch, account, seq, id)
  select $1, $2, * from unnest($3::text[], $4::bigint[], $5::text[]) on conflict do nothing`
const OPENING = 'select did, seq, head, balance from ledger.opening where ledger = $1'
