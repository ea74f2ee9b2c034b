import type { Account } from '../tokens/account.ts'
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
  readonly pins: Pick<Account, 'angel' | 'atproto' | 'keysUnmet'>
}

/** An account beside its lock at the next number; either may be missing. */
type StateRow = { readonly did: string } & (AccountRow | Nothing<AccountRow>) &
  (LockRow | Nothing<LockRow>)
type LockRow = Omit<Lock, 'account' | 'seq'> & { readonly lockSeq: string }
type Nothing<Row> = { readonly [Name in Exclude<keyof Row, 'did'>]: null }
type AppliedRow = Omit<Applied, 'seq' | 'certificate'> & {
  readonly seq: string
  readonly certificate: Uint8Array
}

/** Loads the accounts, locks, numbers and mints that decisions need. What was applied is asked for
 *  only at numbers that an account has passed, and what was minted only if a pool gives. */
export async function loadView(
  sql: Sql,
  { ledger, epoch }: At,
  { accounts, numbers, mints }: Touched,
): Promise<Omit<LedgerView, 'current'>> {
  const payers = new Set(numbers.map(({ account }) => account))
  const dids = [...new Set([...accounts, ...payers])]
  const pays = dids.map((did) => payers.has(did))
  const { rows } = await sql.query<StateRow>(STATES, [ledger, epoch, dids, pays])
  const byDid = new Map(rows.flatMap((row) => (isKnown(row) ? [[row.did, accountOf(row)]] : [])))
  const locks = new Map(rows.flatMap((row) => (isLocked(row) ? [[row.did, lockOf(row)]] : [])))
  const passed = numbers.filter(({ account, seq }) => seq <= (byDid.get(account)?.seq ?? 0))
  const applied = await loadApplied(sql, { ledger, epoch }, passed)
  const minted = await loadMinted(sql, { ledger, epoch }, mints)
  return {
    account: (did) => byDid.get(did),
    lock: (account) => locks.get(account),
    applied: (account, seq) => applied.get(`${account} ${seq}`),
    minted: (pool, receiver) => minted.get(`${pool} ${receiver}`) ?? 0n,
  }
}

async function loadApplied(
  sql: Sql,
  { ledger, epoch }: At,
  numbers: Touched['numbers'],
): Promise<ReadonlyMap<string, Applied>> {
  if (numbers.length === 0) return new Map()
  const { rows } = await sql.query<AppliedRow>(APPLIED, [
    ledger,
    epoch,
    numbers.map(({ account }) => account),
    numbers.map(({ seq }) => seq),
  ])
  return new Map(rows.map((row) => [`${row.account} ${row.seq}`, appliedOf(row)]))
}

async function loadMinted(
  sql: Sql,
  { ledger, epoch }: At,
  mints: Touched['mints'],
): Promise<ReadonlyMap<string, bigint>> {
  if (mints.length === 0) return new Map()
  const { rows } = await sql.query<{ pool: string; receiver: string; amount: string }>(MINTED, [
    ledger,
    epoch,
    mints.map(({ pool }) => pool),
    mints.map(({ receiver }) => receiver),
  ])
  return new Map(rows.map(({ pool, receiver, amount }) => [`${pool} ${receiver}`, BigInt(amount)]))
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

function isKnown(row: StateRow): row is StateRow & AccountRow {
  return row.seq !== null
}

function isLocked(row: StateRow): row is StateRow & LockRow {
  return row.lockSeq !== null
}

function lockOf({
  did,
  lockSeq,
  id,
  senderKey,
  observedAt,
  record,
}: LockRow & { did: string }): Lock {
  const seq = Number(lockSeq)
  return { account: did, seq, id, senderKey, observedAt, record: new Uint8Array(record) }
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

/** The lock is that at the next number: those of numbers that were applied stay, and are none any
 *  more. Every row is looked up by its key, whatever the planner thinks of how many there are. */
const STATES = {
  name: 'ledger-states',
  text: `select w.did, a.seq, a.head, a.balance, a.spent, a.pins,
      l.seq as "lockSeq", l.id, l."senderKey", l."observedAt", l.record
    from unnest($3::text[], $4::boolean[]) as w (did, pays)
    left join lateral (
      select * from ledger.account where ledger = $1 and did = w.did limit 1
    ) a on true
    left join lateral (
      select * from ledger.lock
      where ledger = $1 and account = w.did and seq = coalesce(a.seq, 0) + 1 and epoch = $2
      limit 1
    ) l on w.pays`,
}
const APPLIED = {
  name: 'ledger-applied',
  text: `select p.account, p.seq, p.id, p."senderKey", p."observedAt", p.record, p.certificate
    from unnest($3::text[], $4::bigint[]) as w (account, seq)
    cross join lateral (
      select * from ledger.applied
      where ledger = $1 and account = w.account and seq = w.seq and epoch = $2 limit 1
    ) p`,
}
const MINTED = {
  name: 'ledger-minted',
  text: `select m.pool, m.receiver, m.amount
    from unnest($3::text[], $4::text[]) as w (pool, receiver)
    cross join lateral (
      select * from ledger.minted
      where ledger = $1 and epoch = $2 and pool = w.pool and receiver = w.receiver limit 1
    ) m`,
}
const EPOCH_APPLIED = `select account, seq, id, "senderKey", "observedAt", record, certificate
  from ledger.applied where ledger = $1 and epoch = $2 order by account, seq`
