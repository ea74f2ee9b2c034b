import type { Outbound } from '../outbound/fetch.ts'
import type { Log } from '../log.ts'
import type { SqlPool } from '../database/sql.ts'
import type { Timers } from '../clock.ts'
import type { Desk } from './desk.ts'
import { notApplied } from './not-applied.ts'
import { listFrom } from './remote-validator.ts'

const EVERY_MS = 2_000
/** Pages of one validator in a round, so that an endless list keeps nobody from the others. */
const PAGES_MAX = 100

/**
 * Takes from each other validator what it has applied since it was asked last, until `signal`. This
 * is how a validator that was away, or was told nothing, comes to what the others have; the place
 * in each one's list is kept, so a restart goes on from there.
 */
export async function catchUp(
  {
    desk,
    fetch,
    sql,
    timers,
    log,
  }: {
    /** As long as the node validates. */
    readonly desk: () => Desk | undefined
    readonly fetch: Outbound
    readonly sql: SqlPool
    readonly timers: Timers
    readonly log: Log
  },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const now = desk()
    for (const peer of now?.opened.validator.current().epoch.validators ?? []) {
      if (!now || peer.did === now.opened.did || signal.aborted) continue
      await takeFrom({ desk: now, fetch, sql }, peer).catch((err: unknown) =>
        log.warn({ err, peer: peer.did }, 'a validator could not be read'),
      )
    }
    await timers.sleep(EVERY_MS, signal)
  }
}

async function takeFrom(
  { desk, fetch, sql }: { desk: Desk; fetch: Outbound; sql: SqlPool },
  peer: { readonly did: string; readonly endpoint: string },
): Promise<void> {
  const ledger = desk.opened.genesis.id
  const { epoch } = desk.opened.validator.current().committee
  const { rows } = await sql.query<{ cursor: string }>(CURSOR, [ledger, peer.did])
  let cursor = rows[0]?.cursor
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { items, cursor: next } = await listFrom(fetch, peer, { ledger, epoch, cursor })
    // Who repeats a place, or names none, has nothing more to say in this round.
    if (items.length === 0 || next === undefined || next === cursor) return
    for (const { account, record, certificate } of await notApplied(sql, ledger, items)) {
      const answer = await desk.apply(account, record, certificate)
      // Its list has the account's earlier ones before this, unless it skips some: ask again later.
      if (!answer.ok && answer.reason === 'NeedCertificates') return
    }
    cursor = next
    await sql.query(KEEP, [ledger, peer.did, cursor])
  }
}

const CURSOR = 'select cursor from ledger.peer where ledger = $1 and did = $2'
const KEEP = `insert into ledger.peer (ledger, did, cursor) values ($1, $2, $3)
  on conflict (ledger, did) do update set cursor = excluded.cursor`
