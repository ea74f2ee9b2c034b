import { readIfThere, writeDurably } from '../database/durable-file.ts'
import type { ReadEpoch } from '../tokens/epoch.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import type { EpochPhase } from '../tokens/ledger-view.ts'
import { type Sql, type SqlPool, transaction } from '../database/sql.ts'

/** What the books say when a validator opens them. */
export type OpenedBooks = {
  readonly start: number
  readonly phase: EpochPhase
  /** Number and canonical bytes of the epoch it is in. */
  readonly epoch: number
  readonly record: Uint8Array
  /** The snapshot of persons that it pins. */
  readonly personhood?: Uint8Array
  /** Whether the accounts of that epoch still have to be entered. */
  readonly isNew: boolean
}

/** Whose books there are of a ledger, and in which epoch; undefined before the first was entered.
 *  Throws when the key beside `startsFile` knows of more starts. */
export async function booksThere(
  sql: Sql,
  ledger: string,
  startsFile: string,
): Promise<{ readonly did: string; readonly epoch: number } | undefined> {
  const { rows } = await sql.query<{ did: string; epoch: number; start: number }>(THERE, [ledger])
  const { did, epoch = NONE, start = 0 } = rows[0] ?? {}
  const counted = readStarts(startsFile)
  if (start < counted) throw new Error(restored(startsFile, start + 1, counted))
  return did === undefined || epoch === NONE ? undefined : { did, epoch }
}

/**
 * Opens the books of a validator for this process alone: processes that have opened them before
 * write no more. The number of starts stands beside the key as well. Books that know fewer starts
 * come from a backup, and what the validator has signed since is not in them; it could vote twice
 * and must not sign with this key again. Throws then, and says what to do.
 */
export async function openBooks(
  sql: SqlPool,
  of: {
    readonly genesis: ReadEpoch
    readonly did: string
    /** File beside the validator's key that counts its starts. */
    readonly startsFile: string
  },
): Promise<OpenedBooks> {
  const { genesis, did, startsFile } = of
  const counted = readStarts(startsFile)
  const ledger = genesis.id
  const opened = await transaction(sql, async (tx) => {
    await tx.query(NEW, [ledger, did, NONE])
    const { rows } = await tx.query<{ start: number; phase: EpochPhase; epoch: number }>(START, [
      ledger,
    ])
    const { start, phase, epoch: entered } = rows[0]!
    if (start <= counted) throw new Error(restored(startsFile, start, counted))
    const epoch = Math.max(0, entered)
    await tx.query(EPOCH, [ledger, 0, genesis.id, encodeRecord(genesis.epoch)])
    type Row = { record: Uint8Array; personhood: Uint8Array | null }
    const { rows: epochs } = await tx.query<Row>(RECORD, [ledger, epoch])
    const { record: bytes, personhood } = epochs[0]!
    const record = new Uint8Array(bytes)
    const snapshot = personhood === null ? {} : { personhood: new Uint8Array(personhood) }
    return { start, phase, epoch, record, ...snapshot, isNew: entered === NONE }
  })
  writeDurably(startsFile, `${opened.start}\n`)
  return opened
}

/** How often the validator of this key was started; 0 before the first time. */
function readStarts(file: string): number {
  const starts = Number(readIfThere(file) ?? 0)
  if (!Number.isSafeInteger(starts)) throw new Error(`${file} does not hold a number`)
  return starts
}

function restored(file: string, start: number, counted: number): string {
  return (
    `The database of the validator has seen ${start - 1} starts, its key ${counted}: it was ` +
    'restored from a backup. What was signed since is not in it, so the key must not sign again. ' +
    `Remove the validator key and ${file}, and have the network take the new key in with the ` +
    'next epoch.'
  )
}

/** No epoch was entered yet. */
const NONE = -1
const THERE = 'select did, epoch, start from ledger.validator where ledger = $1'
const NEW = `insert into ledger.validator (ledger, did, epoch, phase) values ($1, $2, $3, 'open')
  on conflict do nothing`
const START = `update ledger.validator set start = start + 1 where ledger = $1
  returning start, phase, epoch`
const EPOCH = `insert into ledger.epoch (ledger, epoch, id, record) values ($1, $2, $3, $4)
  on conflict do nothing`
const RECORD = 'select record, personhood from ledger.epoch where ledger = $1 and epoch = $2'
