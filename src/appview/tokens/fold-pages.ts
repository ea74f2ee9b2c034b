import { createHash } from 'node:crypto'
import { nativeCrypto as crypto } from '../../crypto/native.ts'
import type { Account } from '../../tokens/account.ts'
import type { Phase } from '../../tokens/attestation.ts'
import {
  type CertifiedTransfer,
  type EpochFold,
  type Posting,
  foldEpoch,
} from '../../tokens/fold-balances.ts'
import { isRefusal } from '../../tokens/refusal.ts'
import { readTransfer } from '../../tokens/transfer.ts'
import type { Sql } from '../sql.ts'
import { accountsAfter } from './accounts-after.ts'
import type { Chain } from './epoch-chain.ts'

/** Folds again the epochs of a ledger from the first one on of which something else is known than
 *  when it was folded last. */
export async function foldPages(
  tx: Sql,
  genesis: string,
  chain: Chain,
  { now, anew = false }: { now: Date; anew?: boolean },
): Promise<void> {
  const prints = await printsOf(tx, genesis, chain)
  const { rows } = await tx.query<{ print: string | null }>(PRINTS, [genesis])
  const first = anew ? 0 : prints.findIndex((print, n) => print !== rows[n]?.print)
  if (first === -1 || chain.length === 0) return
  await tx.query(FORGET, [genesis, first])
  let before: ReadonlyMap<string, Account> = await accountsAfter(tx, genesis, first - 1)
  for (const [n, at] of chain.entries()) {
    if (n < first) continue
    const known = await knownOf(tx, genesis, n)
    const fold = foldEpoch(crypto, { before, at, next: chain[n + 1], known })
    before = fold.accounts
    await keepPage(tx, { genesis, n, fold, print: prints[n]!, now }, await timesOf(tx, at, chain))
  }
}

type Times = {
  readonly of: ReadonlyMap<string, string>
  readonly begin: string
  readonly end: string
}

/** What an epoch is folded from, in short. */
async function printsOf(tx: Sql, genesis: string, chain: Chain): Promise<string[]> {
  const { rows } = await tx.query<{ epoch: number; known: string }>(KNOWN_PRINTS, [genesis])
  const known = new Map(rows.map((row) => [row.epoch, row.known]))
  return chain.map(({ id }, n) => {
    const parts = [id, chain[n + 1]?.id, known.get(n)]
    return createHash('sha256').update(parts.join(' ')).digest('hex')
  })
}

async function knownOf(tx: Sql, genesis: string, epoch: number): Promise<CertifiedTransfer[]> {
  const { rows } = await tx.query<Known>(KNOWN, [genesis, epoch])
  return rows.flatMap(({ account, bytes, phase, isWitnessed }) => {
    const read = readTransfer(crypto, account, new Uint8Array(bytes))
    return isRefusal(read) ? [] : [{ read, phase, isWitnessed }]
  })
}

type Known = { account: string; bytes: Buffer; phase: Phase; isWitnessed: boolean }

async function timesOf(tx: Sql, at: Chain[number], chain: Chain): Promise<Times> {
  const { epoch, createdAt, ledger = at.id } = at.epoch
  const { rows } = await tx.query<{ transfer: string; time: Date }>(TIMES, [ledger, epoch])
  const of = new Map(rows.map(({ transfer, time }) => [transfer, time.toISOString()]))
  return { of, begin: createdAt, end: chain[epoch + 1]?.epoch.createdAt ?? createdAt }
}

async function keepPage(
  tx: Sql,
  page: { genesis: string; n: number; fold: EpochFold; print: string; now: Date },
  times: Times,
): Promise<void> {
  const { genesis, n: epoch, fold, print, now } = page
  const postings = timed(fold, times)
  await tx.query(KEEP, [genesis, epoch, JSON.stringify(postings)])
  const counted = fold.counted.map(({ id }) => id)
  await tx.query(COUNTED, [genesis, epoch, counted])
  await tx.query(FOLDED, [genesis, epoch, print, fold.standing, fold.isVerified, now])
}

/** The postings in the order in which histories show them: grants, transfers by the clocks of
 *  validators, and never before one that the same account has made before, then what burned. */
function timed({ postings, counted }: EpochFold, { of, begin, end }: Times) {
  const at = new Map<string, string>()
  const last = new Map<string, string>()
  for (const { account, id } of counted) {
    const [said, before] = [of.get(id) ?? begin, last.get(account) ?? '']
    const time = said > before ? said : before
    at.set(id, time)
    last.set(account, time)
  }
  const turn = new Map(counted.map(({ id }, n) => [id, n]))
  const timeOf = ({ transfer, reason }: Posting) =>
    transfer === undefined ? (reason === 'burn' ? end : begin) : at.get(transfer)!
  const rank = ({ transfer, reason }: Posting) =>
    transfer === undefined ? (reason === 'burn' ? 2 : 0) : 1
  const place = (one: Posting) => (one.transfer === undefined ? 0 : turn.get(one.transfer)!)
  const sorted = postings.toSorted(
    (a, b) => rank(a) - rank(b) || timeOf(a).localeCompare(timeOf(b)) || place(a) - place(b),
  )
  return sorted.map((one, n) => ({ ...one, n, amount: String(one.amount), at: timeOf(one) }))
}

const PRINTS = `select print from node."tokenEpoch" where ledger = $1 order by epoch`

const GOOD = `node."tokenContent" k join node."tokenJudgement" j
    on j.transfer = k.id and j.reason is null and j.epoch = k.epoch and j.account = k.account`

const KNOWN_PRINTS = `select w.epoch, md5(string_agg(w.about, ' ' order by w.about collate "C"))
    as known
  from (select distinct k.epoch, k.id || j.phase || j."isWitnessed" as about
        from ${GOOD} where k.ledger = $1) w
  group by w.epoch`

const KNOWN = `select distinct k.id, k.account, k.bytes, j.phase, j."isWitnessed"
  from ${GOOD} where k.ledger = $1 and k.epoch = $2`

const TIMES = `select k.id as transfer,
    coalesce(min(j.time) filter (where j.phase = 'lock'), min(j.time)) as time
  from ${GOOD} where k.ledger = $1 and k.epoch = $2 group by k.id`

const FORGET = `delete from node."tokenPosting" where ledger = $1 and epoch >= $2`

const KEEP = `insert into node."tokenPosting"
    (ledger, epoch, n, account, amount, reason, granted, transfer, at)
  select $1, $2, n, account, amount, reason, granted, transfer, at
  from json_to_recordset($3::json) as f(n integer, account text, amount bigint, reason text,
    granted text, transfer text, at timestamptz)`

const COUNTED = `update node."tokenContent" set "isCounted" = id = any($3)
  where ledger = $1 and epoch = $2 and "isCounted" <> (id = any($3))`

const FOLDED = `update node."tokenEpoch"
  set print = $3, standing = $4, "isVerified" = $5, "foldedAt" = $6
  where ledger = $1 and epoch = $2`
