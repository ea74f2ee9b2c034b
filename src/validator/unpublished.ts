import { toBytes } from '@atcute/cbor'
import type { Sql } from '../database/sql.ts'
import { co } from '../lexicons/index.ts'
import { BATCH, type BatchHead, batchContent } from '../tokens/attestation.ts'
import { cidBytes, decodeRecord } from '../tokens/encoding.ts'
import { type Epoch, type Handover, type ReadEpoch, committeeOf } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { SEAL } from '../tokens/seal.ts'
import { type Standing, stateRoot } from '../tokens/state-root.ts'
import type { TokenCrypto, TokenSigner } from '../tokens/token-crypto.ts'
import { checkSpend, readTransfer } from '../tokens/transfer.ts'
import { readCheckpoint } from './read-checkpoint.ts'

/** A record of the ledger where it is published. */
export type LedgerPut = {
  readonly collection: string
  readonly rkey: string
  readonly record: Record<string, unknown>
}

/** Records that are to be published together, and the place in the books behind them. */
export type Due = { readonly puts: readonly LedgerPut[]; readonly place: string }

/** Whose books records are published from. */
export type Publisher = {
  readonly crypto: TokenCrypto
  readonly sql: Sql
  readonly ledger: string
  readonly code: string
  readonly did: string
  readonly signer: TokenSigner
  readonly chain: readonly ReadEpoch[]
  readonly now: () => string
}

/** One kind of records: those behind a place of the books, a few at a time; undefined when there
 *  are none. The same place gives the same records under the same keys, so publishing them again
 *  after a crash changes nothing. */
export type Kind = (by: Publisher, after: string | undefined) => Promise<Due | undefined>

const CHECKPOINT = co.kendev.tokens.checkpoint.$nsid
const EVIDENCE = co.kendev.tokens.evidence.$nsid
/** Records of one commit; what a relay takes in one message is 2 MB. */
const BATCHES = 100
const SEALS = 20
const PAIRS = 10
const PARTS = 5
/** Accounts of one part of a checkpoint. */
const ACCOUNTS = 500

/** The heads of the batches that the validator has signed, each the next after the one before. */
export const dueBatches: Kind = async (by, after = '0 0') => {
  const [epoch, number] = after.split(' ').map(Number)
  type Row = { epoch: number; number: number; id: string; head: Uint8Array }
  const { rows } = await by.sql.query<Row>(HEADS, [by.ledger, epoch, number, BATCHES])
  const last = rows.at(-1)
  if (!last) return undefined
  const puts = rows.filter((row) => isMember(by, row.epoch)).map((row) => headPut(by, row))
  return { puts, place: `${last.epoch} ${last.number}` }
}

/** What this key has signed then: after a restore there may be heads of the key before. */
function isMember({ chain, signer, did }: Publisher, epoch: number): boolean {
  const read = chain[epoch]
  return read !== undefined && committeeOf(read).keys.get(did) === signer.didKey
}

function headPut(
  { ledger, code, did, signer }: Publisher,
  row: { epoch: number; number: number; id: string; head: Uint8Array },
): LedgerPut {
  const { epoch, number, id } = row
  const head = valueOf(row.head) as BatchHead
  const content = batchContent({ ledger, epoch }, did, head)
  const record = { ...content, signature: toBytes(signer.sign(cidBytes(id))) }
  return put(BATCH, `${code}.${epoch}.${number}`, record)
}

/** The seals of the validator, one for each epoch that it has ended with. */
export const dueSeals: Kind = async ({ sql, ledger, code, did }, after = '-1') => {
  type Row = { epoch: number; record: Uint8Array }
  const { rows } = await sql.query<Row>(OWN_SEALS, [ledger, did, after, SEALS])
  const last = rows.at(-1)
  if (!last) return undefined
  const puts = rows.map(({ epoch, record }) => put(SEAL, `${code}.${epoch}`, valueOf(record)))
  return { puts, place: String(last.epoch) }
}

/** The accounts at the end of the epoch before the one that the books are in, in parts, where they
 *  are what a quorum has signed. When the epoch turns before all are out, the rest is left out. */
export function dueCheckpoint(): Kind {
  let read: { readonly epoch: number; readonly sorted: readonly Standing[] } | undefined
  return async (by, after = '0 0') => {
    const [before, done] = after.split(' ').map(Number) as [number, number]
    const { rows } = await by.sql.query<{ epoch: number }>(EPOCH, [by.ledger])
    const next = by.chain[rows[0]?.epoch ?? 0]?.epoch
    const from = next?.epoch === before ? done : 0
    if (!next?.handover || from === ALL) return undefined
    // They are read once for all parts.
    if (read?.epoch !== next.epoch)
      read = { epoch: next.epoch, sorted: await sortedBefore(by, next) }
    const due = checkpointParts(by, { next, handover: next.handover, from, sorted: read.sorted })
    if (due.place.endsWith(` ${ALL}`)) read = undefined
    return due
  }
}

/** In place of a part, when there is none after it. */
const ALL = -1

/** The accounts before an epoch's grants in the order of their DIDs; none that are not signed. */
async function sortedBefore(
  { sql, ledger, crypto }: Publisher,
  epoch: Epoch,
): Promise<readonly Standing[]> {
  const limit = Number.MAX_SAFE_INTEGER
  const { accounts } = await readCheckpoint(sql, ledger, { epoch, after: '', limit })
  const root = toBytes(stateRoot(crypto, accounts)).$bytes
  if (root !== epoch.handover?.stateRoot.$bytes) return []
  return accounts.toSorted((a, b) => (a.did < b.did ? -1 : 1))
}

function checkpointParts(
  { ledger, code }: Publisher,
  of: { next: Epoch; handover: Handover; from: number; sorted: readonly Standing[] },
): Due {
  const { next, handover, from, sorted } = of
  const { stateRoot: root, supply } = handover
  const parts = Math.ceil(sorted.length / ACCOUNTS)
  const epoch = next.epoch - 1
  const puts = Array.from({ length: Math.min(PARTS, parts - from) }, (_, n) => {
    const part = from + n + 1
    const told = sorted.slice((part - 1) * ACCOUNTS, part * ACCOUNTS)
    const stands = told.map(({ did: account, balance, ...rest }) => {
      return { account, balance: Number(balance), ...rest }
    })
    const about = { ledger, epoch, stateRoot: root, supply, part, parts, accounts: stands }
    const record = { $type: CHECKPOINT, ...about, createdAt: next.createdAt }
    return put(CHECKPOINT, `${code}.${epoch}.${part}`, record)
  })
  const to = from + puts.length
  return { puts, place: `${next.epoch} ${to < parts ? to : ALL}` }
}

/** Pairs of transfers that accounts have signed with one number, where the pair alone proves it. */
export const dueEvidence: Kind = async (by, after = '0') => {
  const { sql, ledger } = by
  const { rows } = await sql.query<Pair>(PAIRS_AFTER, [ledger, after, PAIRS])
  const last = rows.at(-1)
  if (!last) return undefined
  return { puts: rows.flatMap((row) => evidencePut(by, row) ?? []), place: last.n }
}

type Pair = { n: string; account: string; seq: string; first: Uint8Array; second: Uint8Array }

function evidencePut({ crypto, ledger, now }: Publisher, pair: Pair): LedgerPut | undefined {
  const { account, seq } = pair
  const transfers = [pair.first, pair.second].map((bytes) => new Uint8Array(bytes))
  const [a, b] = transfers.map((bytes) => readTransfer(crypto, account, bytes))
  if (!a || !b || isRefusal(a) || isRefusal(b) || a.id === b.id) return undefined
  const keys = a.transfer.signatures.flatMap((one) => ('key' in one ? [one.key] : []))
  const isSigned = (key: string) =>
    [a, b].every((one) => checkSpend(crypto, one, key) === undefined)
  // Without a device key nobody but this validator knows that the account has wanted both.
  if (!keys.some(isSigned)) return undefined
  const { epoch } = a.transfer
  const about = { ledger, epoch, account, seq: Number(seq), transfers: transfers.map(toBytes) }
  const name = new TextEncoder().encode(`${ledger} ${account} ${seq}`)
  return put(EVIDENCE, tidOf(crypto.sha256(name)), { $type: EVIDENCE, ...about, createdAt: now() })
}

const DIGITS = '234567abcdefghijklmnopqrstuvwxyz'

/** A key of the form of a TID that is the same for the same pair. */
function tidOf(hash: Uint8Array): string {
  return [...hash.subarray(0, 13)].map((byte, n) => DIGITS[byte & (n === 0 ? 15 : 31)]).join('')
}

function put(collection: string, key: string, record: object): LedgerPut {
  const rkey = key.toLowerCase()
  return { collection, rkey, record: JSON.parse(JSON.stringify(record)) as LedgerPut['record'] }
}

function valueOf(bytes: Uint8Array): object {
  const decoded = decodeRecord(new Uint8Array(bytes))
  if (!decoded.ok) throw new Error(`a stored record is ${decoded.reason}: ${decoded.detail}`)
  return decoded.value as object
}

const HEADS = `select epoch, number, id, head from ledger.batch
  where ledger = $1 and (epoch, number) > ($2::int, $3::int) order by epoch, number limit $4`
const OWN_SEALS = `select epoch, record from ledger.seal
  where ledger = $1 and validator = $2 and epoch > $3::int order by epoch limit $4`
const EPOCH = 'select epoch from ledger.validator where ledger = $1'
const PAIRS_AFTER = `select n, account, seq, first, second from ledger.evidence
  where ledger = $1 and n > $2::bigint order by n limit $3`
