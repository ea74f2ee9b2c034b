import type { Account } from '../tokens/account.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import type { KeptBatch } from '../tokens/ledger-store.ts'
import type { Change } from '../tokens/ledger-view.ts'
import { receiversOf } from './receivers.ts'
import type { Sql } from '../database/sql.ts'
import type { At } from './load-view.ts'

type Changes = readonly (Change | KeptBatch)[]
type Kind<K extends Changes[number]['change']> = Extract<Changes[number], { change: K }>

/**
 * Stores all steps of a group or none, with one statement, which is a transaction by itself; false,
 * and nothing stored, when `start` is not the newest of the books. A second vote for a number of an
 * epoch, or a second transfer applied at a number, breaks a key and fails.
 */
export async function writeGroup(
  sql: Sql,
  { ledger, epoch, start }: At & { readonly start: number },
  changes: Changes,
): Promise<boolean> {
  const values = [
    ledger,
    epoch,
    start,
    ...lockColumns(all(changes, 'lock')),
    ...appliedColumns(all(changes, 'applied')),
    ...accountColumns(all(changes, 'account').map(({ account }) => account)),
    ...mintedColumns(all(changes, 'minted')),
    ...evidenceColumns(all(changes, 'evidence')),
    ...batchColumns(all(changes, 'batch')),
  ]
  const { rows } = await sql.query<{ held: boolean }>(GROUP, values)
  return rows[0]?.held ?? false
}

/** Stores the accounts that an epoch begins with; keys that were pinned before stay. */
export async function writeOpening(
  tx: Sql,
  ledger: string,
  accounts: readonly Account[],
): Promise<void> {
  if (accounts.length > 0) await tx.query(OPENED, [ledger, ...accountColumns(accounts)])
}

function all<K extends Changes[number]['change']>(changes: Changes, kind: K): Kind<K>[] {
  return changes.filter((one): one is Kind<K> => one.change === kind)
}

function lockColumns(changes: readonly Kind<'lock'>[]): unknown[][] {
  const locks = changes.map(({ lock }) => lock)
  return [
    locks.map(({ account }) => account),
    locks.map(({ seq }) => seq),
    locks.map(({ id }) => id),
    locks.map(({ senderKey }) => senderKey),
    locks.map(({ observedAt }) => observedAt),
    locks.map(({ record }) => record),
  ]
}

function appliedColumns(changes: readonly Kind<'applied'>[]): unknown[][] {
  const applied = changes.map((one) => one.applied)
  return [
    applied.map(({ account }) => account),
    applied.map(({ seq }) => seq),
    applied.map(({ id }) => id),
    applied.map(({ senderKey }) => senderKey),
    applied.map(({ observedAt }) => observedAt),
    applied.map(({ record }) => record),
    applied.map(({ certificate }) => encodeRecord(certificate)),
    // Lists in a list would have to be of one length; no DID has a blank.
    applied.map(({ record }) => receiversOf(record).join(' ')),
  ]
}

/** Each account as the last step has left it. */
function accountColumns(given: readonly Account[]): unknown[][] {
  const accounts = [...new Map(given.map((account) => [account.did, account])).values()]
  return [
    accounts.map(({ did }) => did),
    accounts.map(({ seq }) => seq),
    accounts.map(({ head }) => head ?? null),
    accounts.map(({ balance }) => balance.toString()),
    accounts.map(({ spent }) => spent.toString()),
    accounts.map(({ angel, atproto, keysUnmet }) => JSON.stringify({ angel, atproto, keysUnmet })),
  ]
}

/** What pools have given, each as the last step has left it. */
function mintedColumns(changes: readonly Kind<'minted'>[]): unknown[][] {
  const given = [...new Map(changes.map((one) => [`${one.pool} ${one.receiver}`, one])).values()]
  return [
    given.map(({ pool }) => pool),
    given.map(({ receiver }) => receiver),
    given.map(({ amount }) => amount.toString()),
  ]
}

function evidenceColumns(evidence: readonly Kind<'evidence'>[]): unknown[][] {
  return [
    evidence.map(({ account }) => account),
    evidence.map(({ seq }) => seq),
    evidence.map(({ records }) => records[0]),
    evidence.map(({ records }) => records[1]),
  ]
}

function batchColumns(batches: readonly Kind<'batch'>[]): unknown[][] {
  return [
    batches.map(({ head }) => head.number),
    batches.map(({ id }) => id),
    batches.map(({ head }) => encodeRecord(head)),
  ]
}

const ACCOUNT_COLUMNS = '(ledger, did, seq, head, balance, spent, pins)'
const ACCOUNT_VALUES = `seq = excluded.seq, head = excluded.head, balance = excluded.balance,
    spent = excluded.spent`

/** Each part inserts what `held` lets it, which is nothing once another process has the books. */
const GROUP = {
  name: 'ledger-group',
  text: `with held as (
    select from ledger.validator where ledger = $1 and start = $3::int for update
  ), lock as (
    insert into ledger.lock
      (ledger, epoch, account, seq, id, "senderKey", "observedAt", record)
    select $1, $2::int, w.* from held, unnest($4::text[], $5::bigint[], $6::text[], $7::text[],
      $8::text[], $9::bytea[]) as w
  ), applied as (
    insert into ledger.applied
      (ledger, epoch, account, seq, id, "senderKey", "observedAt", record, certificate, receivers)
    select $1, $2::int, w.account, w.seq, w.id, w.key, w.at, w.record, w.certificate,
      string_to_array(w.receivers, ' ')
    from held, unnest($10::text[], $11::bigint[], $12::text[], $13::text[], $14::text[],
      $15::bytea[], $16::bytea[], $17::text[]) with ordinality
      as w (account, seq, id, key, at, record, certificate, receivers, n) order by w.n
  ), account as (
    insert into ledger.account ${ACCOUNT_COLUMNS}
    select $1, w.* from held, unnest($18::text[], $19::bigint[], $20::text[], $21::bigint[],
      $22::bigint[], $23::jsonb[]) as w
    on conflict (ledger, did) do update set ${ACCOUNT_VALUES}, pins = excluded.pins
  ), minted as (
    insert into ledger.minted (ledger, epoch, pool, receiver, amount)
    select $1, $2::int, w.* from held, unnest($24::text[], $25::text[], $26::bigint[]) as w
    on conflict (ledger, epoch, pool, receiver) do update set amount = excluded.amount
  ), evidence as (
    insert into ledger.evidence (ledger, account, seq, first, second)
    select $1, w.* from held, unnest($27::text[], $28::bigint[], $29::bytea[], $30::bytea[]) as w
    on conflict do nothing
  ), batch as (
    insert into ledger.batch (ledger, epoch, number, id, head)
    select $1, $2::int, w.* from held, unnest($31::int[], $32::text[], $33::bytea[]) as w
  ) select exists (select from held) as held`,
}
/** Pins that are there outlive the epoch; that others have judged an account's keys is added. */
const OPENED = `insert into ledger.account ${ACCOUNT_COLUMNS}
    select $1, w.* from unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
      $7::jsonb[]) as w
    on conflict (ledger, did) do update set ${ACCOUNT_VALUES},
      pins = excluded.pins || ledger.account.pins`
