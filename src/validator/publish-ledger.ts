import type { Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import {
  type Kind,
  type LedgerPut,
  type Publisher,
  dueBatches,
  dueCheckpoint,
  dueEvidence,
  dueSeals,
} from './unpublished.ts'

type Parts = {
  /** Whose books; undefined as long as there are none. */
  readonly publisher: () => Publisher | undefined
  /** Writes records into the node's own repo, with one commit. */
  readonly publish: (puts: readonly LedgerPut[]) => Promise<void>
  readonly timers: Timers
  readonly log: Log
}

const EVERY_MS = 10_000

/** The kinds of records that are published, by the names under which their places are kept. */
export const kindsOf = (): Readonly<Record<string, Kind>> => ({
  batches: dueBatches,
  seals: dueSeals,
  checkpoint: dueCheckpoint(),
  evidence: dueEvidence,
})

/**
 * Publishes what a validator has in its books in the node's own repo, until `signal`: the heads of
 * its batches, its seals, the accounts at the end of the last epoch, and evidence. Of each kind one
 * commit a round, so that nobody who reads the repo is flooded; the rest follows in the next.
 */
export async function publishLedger(parts: Parts, signal: AbortSignal): Promise<void> {
  const { timers, log } = parts
  const kinds = kindsOf()
  while (!signal.aborted) {
    await publishDue(parts, kinds).catch((err: unknown) =>
      log.warn({ err }, 'records of the ledger could not be published'),
    )
    await timers.sleep(EVERY_MS, signal)
  }
}

/** One round. How far it has come is stored behind each commit; killed between the two, the same
 *  records are written again under the same keys. */
export async function publishDue(
  { publisher, publish }: Pick<Parts, 'publisher' | 'publish'>,
  kinds: Readonly<Record<string, Kind>>,
): Promise<void> {
  const by = publisher()
  if (!by) return
  for (const [kind, due] of Object.entries(kinds)) {
    const { rows } = await by.sql.query<{ place: string }>(PLACE, [by.ledger, kind])
    const found = await due(by, rows[0]?.place)
    if (!found) continue
    if (found.puts.length > 0) await publish(found.puts)
    await by.sql.query(KEEP, [by.ledger, kind, found.place])
  }
}

const PLACE = 'select place from ledger.published where ledger = $1 and kind = $2'
const KEEP = `insert into ledger.published (ledger, kind, place) values ($1, $2, $3)
  on conflict (ledger, kind) do update set place = excluded.place`
