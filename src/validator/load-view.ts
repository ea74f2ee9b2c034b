import type { Account, PinnedKey } from '../tokens/account.ts'
import { type Certificate, readCertificate } from '../tokens/certificate.ts'
import type { Touched } from '../tokens/ledger-store.ts'
import type { Applied, LedgerView, Lock } from '../tokens/ledger-view.ts'
import { isRefusal } from '../tokens/refusal.ts'
import type { Sql } from '../database/sql.ts'

/** Whose books and which epoch. */
export type At = { readonly ledger: string; readonly epoch: number }

/** An account as its row has it; bigint columns come as text. */
export type AccountRow = {
  readonly did: string
  readonly seq: string
  readonly head: string | null
  readonly balance: string
  readonly spent: string
  readonly pins: { readonly angel?: PinnedKey; readonly atproto?: PinnedKey }
}

type LockRow = Omit<Lock, 'seq'> & { readonly seq: string }
type AppliedRow = Omit<Applied, 'seq' | 'certificate'> & {
  readonly seq: string
  readonly certificate: Uint8Array
}

/** Loads the accounts, locks, numbers and mints that decisions need, with a statement each. */
export async function loadView(
  sql: Sql,
  { ledger, epoch }: At,
  { accounts, numbers, mints }: Touched,
): Promise<Omit<LedgerView, 'current'>> {
  const [people, locked, done, given] = await Promise.all([
    sql.query<AccountRow>(ACCOUNTS, [ledger, accounts]),
    sql.query<LockRow>(LOCKS, [ledger, epoch, [...new Set(numbers.map((n) => n.account))]]),
    sql.query<AppliedRow>(APPLIED, [
      ledger,
      epoch,
      numbers.map(({ account }) => account),
      numbers.map(({ seq }) => seq),
    ]),
    sql.query<{ pool: string; receiver: string; amount: string }>(MINTED, [
      ledger,
      epoch,
      mints.map(({ pool }) => pool),
      mints.map(({ receiver }) => receiver),
    ]),
  ])
  const byDid = new Map(people.rows.map((row) => [row.did, accountOf(row)]))
  const locks = new Map(locked.rows.map((row) => [row.account, lockOf(row)]))
  const applied = new Map(done.rows.map((row) => [`${row.account} ${row.seq}`, appliedOf(row)]))
  const minted = new Map(
    given.rows.map(({ pool, receiver, amount }) => [`${pool} ${receiver}`, BigInt(amount)]),
  )
  return {
    account: (did) => byDid.get(did),
    lock: (account) => locks.get(account),
    applied: (account, seq) => applied.get(`${account} ${seq}`),
    minted: (pool, receiver) => minted.get(`${pool} ${receiver}`) ?? 0n,
  }
}

/** All that was applied in an epoch. */
export async function readApplied(sql: Sql, ledger: string, epoch: number): Promise<Applied[]> {
  const { rows } = await sql.query<AppliedRow>(EPOCH_APPLIED, [ledger, epoch])
  return rows.map(appliedOf)
}

/** The account in a row. */
export function accountOf({ did, seq, head, balance, spent, pins }: AccountRow): Account {
  return {
    did,
    seq: Number(seq),
    ...(head !== null && { head }),
    balance: BigInt(balance),
    spent: BigInt(spent),
    ...pins,
  }
}

function lockOf({ record, seq, ...row }: LockRow): Lock {
  return { ...row, seq: Number(seq), record: new Uint8Array(record) }
}

function appliedOf({ record, certificate, seq, ...row }: AppliedRow): Applied {
  return {
    ...row,
    seq: Number(seq),
    record: new Uint8Array(record),
    certificate: storedCertificate(certificate),
  }
}

/** A certificate that was good when it was stored. Throws when the row does not hold one. */
function storedCertificate(bytes: Uint8Array): Certificate {
  const read = readCertificate(new Uint8Array(bytes))
  if (isRefusal(read)) throw new Error(`a stored certificate is ${read.reason}: ${read.detail}`)
  return read.certificate
}

const ACCOUNTS = {
  name: 'ledger-accounts',
  text: `select did, seq, head, balance, spent, pins from ledger.account
    where ledger = $1 and did = any($2)`,
}
/** The lock at the next number: those of numbers that were applied stay, and are none any more. */
const LOCKS = {
  name: 'ledger-locks',
  text: `select l.account, l.seq, l.id, l."senderKey", l."observedAt", l.record
    from unnest($3::text[]) as w (did)
    left join ledger.account a on a.ledger = $1 and a.did = w.did
    join ledger.lock l on l.ledger = $1 and l.epoch = $2 and l.account = w.did
      and l.seq = coalesce(a.seq, 0) + 1`,
}
const APPLIED = {
  name: 'ledger-applied',
  text: `select p.account, p.seq, p.id, p."senderKey", p."observedAt", p.record, p.certificate
    from unnest($3::text[], $4::bigint[]) as w (account, seq)
    join ledger.applied p on p.ledger = $1 and p.account = w.account and p.seq = w.seq
      and p.epoch = $2`,
}
const MINTED = {
  name: 'ledger-minted',
  text: `select m.pool, m.receiver, m.amount
    from unnest($3::text[], $4::text[]) as w (pool, receiver)
    join ledger.minted m on m.ledger = $1 and m.epoch = $2 and m.pool = w.pool
      and m.receiver = w.receiver`,
}
const EPOCH_APPLIED = `select account, seq, id, "senderKey", "observedAt", record, certificate
  from ledger.applied where ledger = $1 and epoch = $2 order by account, seq`
