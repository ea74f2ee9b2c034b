import type { Account } from '../tokens/account.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import type { KeptBatch } from '../tokens/ledger-store.ts'
import type { Change } from '../tokens/ledger-view.ts'
import { receiversOf } from './receivers.ts'
import type { Sql } from '../database/sql.ts'
import type { At } from './load-view.ts'

type Changes = readonly (Change | KeptBatch)[]

/** Stores new votes. One for a number that has a vote in the epoch already breaks the key. */
export async function writeLocks(tx: Sql, { ledger, epoch }: At, changes: Changes): Promise<void> {
  const locks = changes.flatMap((one) => (one.change === 'lock' ? [one.lock] : []))
  if (locks.length === 0) return
  await tx.query(LOCKS, [
    ledger,
    epoch,
    locks.map(({ account }) => account),
    locks.map(({ seq }) => seq),
    locks.map(({ id }) => id),
    locks.map(({ senderKey }) => senderKey),
    locks.map(({ observedAt }) => observedAt),
    locks.map(({ record }) => record),
  ])
}

/** Stores what was applied. A second transfer at a number of any epoch breaks the key. */
export async function writeApplied(
  tx: Sql,
  { ledger, epoch }: At,
  changes: Changes,
): Promise<void> {
  const all = changes.flatMap((one) => (one.change === 'applied' ? [one.applied] : []))
  if (all.length === 0) return
  await tx.query(APPLIED, [
    ledger,
    epoch,
    all.map(({ account }) => account),
    all.map(({ seq }) => seq),
    all.map(({ id }) => id),
    all.map(({ senderKey }) => senderKey),
    all.map(({ observedAt }) => observedAt),
    all.map(({ record }) => record),
    all.map(({ certificate }) => encodeRecord(certificate)),
    // Lists in a list would have to be of one length; no DID has a blank.
    all.map(({ record }) => receiversOf(record).join(' ')),
  ])
}

/** Stores accounts, each as the last step has left it. */
export async function writeAccounts(
  tx: Sql,
  ledger: string,
  changes: Changes,
  { keepPins = false } = {},
): Promise<void> {
  const last = new Map<string, Account>()
  for (const one of changes) if (one.change === 'account') last.set(one.account.did, one.account)
  if (last.size === 0) return
  const accounts = [...last.values()]
  await tx.query(keepPins ? ACCOUNTS_KEEPING_PINS : ACCOUNTS, [
    ledger,
    accounts.map(({ did }) => did),
    accounts.map(({ seq }) => seq),
    accounts.map(({ head }) => head ?? null),
    accounts.map(({ balance }) => balance.toString()),
    accounts.map(({ spent }) => spent.toString()),
    accounts.map(({ angel, atproto }) => JSON.stringify({ angel, atproto })),
  ])
}

/** Stores what pools have given, each as the last step has left it. */
export async function writeMinted(tx: Sql, { ledger, epoch }: At, changes: Changes): Promise<void> {
  const last = new Map<string, Extract<Change, { change: 'minted' }>>()
  for (const one of changes) {
    if (one.change === 'minted') last.set(`${one.pool} ${one.receiver}`, one)
  }
  if (last.size === 0) return
  const given = [...last.values()]
  await tx.query(MINTED, [
    ledger,
    epoch,
    given.map(({ pool }) => pool),
    given.map(({ receiver }) => receiver),
    given.map(({ amount }) => amount.toString()),
  ])
}

const LOCKS = {
  name: 'ledger-lock',
  text: `insert into ledger.lock
    (ledger, epoch, account, seq, id, "senderKey", "observedAt", record)
    select $1, $2, * from unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
      $8::bytea[])`,
}
const APPLIED = {
  name: 'ledger-apply',
  text: `insert into ledger.applied
    (ledger, epoch, account, seq, id, "senderKey", "observedAt", record, certificate, receivers)
    select $1, $2, a.account, a.seq, a.id, a.key, a.at, a.record, a.certificate,
      string_to_array(a.receivers, ' ')
    from unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bytea[],
      $9::bytea[], $10::text[]) with ordinality
      as a (account, seq, id, key, at, record, certificate, receivers, n) order by a.n`,
}
const UPSERT = `insert into ledger.account (ledger, did, seq, head, balance, spent, pins)
    select $1, * from unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
      $7::jsonb[])
    on conflict (ledger, did) do update set seq = excluded.seq, head = excluded.head,
      balance = excluded.balance, spent = excluded.spent`
const ACCOUNTS = { name: 'ledger-account', text: `${UPSERT}, pins = excluded.pins` }
const ACCOUNTS_KEEPING_PINS = { name: 'ledger-account-opened', text: UPSERT }
const MINTED = {
  name: 'ledger-mint',
  text: `insert into ledger.minted (ledger, epoch, pool, receiver, amount)
    select $1, $2, * from unnest($3::text[], $4::text[], $5::bigint[])
    on conflict (ledger, epoch, pool, receiver) do update set amount = excluded.amount`,
}
