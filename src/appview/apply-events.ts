import type { Clock } from '../clock.ts'
import type { Indexer } from './index-record.ts'
import type { FirehoseEvent, RecordWrite } from '../firehose/event.ts'
import { forgetAccount, noteAccount, setStatus } from './account.ts'
import { type Sql, type SqlPool, transaction } from './sql.ts'
import { isDataError } from '../database/pool.ts'

/** What a batch did, told after it was committed. */
export type Applied = {
  readonly revs: ReadonlyMap<string, string>
  readonly outcomes: Readonly<Record<string, number>>
}

type Batch = { host: string; events: readonly FirehoseEvent[]; cursor: number }

/** Makes the firehose's sink: a batch's effects and its host's cursor in one transaction, so that
 *  after a crash either both are there or neither. */
export function createSink(options: {
  pool: SqlPool
  indexer: Indexer
  clock: Clock
  applied: (what: Applied) => void
}): (batch: Batch) => Promise<void> {
  const { pool, indexer, clock } = options
  return async (batch) => {
    const done = await transaction(pool, async (tx) => {
      const tally = newTally()
      for (const event of batch.events) {
        await applyIsolated(tx, { indexer, host: batch.host, now: clock.now() }, event, tally)
      }
      await tx.query(CURSOR, [batch.host, batch.cursor, clock.now()])
      return tally
    })
    options.applied(done)
  }
}

const CURSOR = `insert into appview.host as h (host, cursor, "updatedAt") values ($1, $2, $3)
  on conflict (host) do update set cursor = excluded.cursor, "updatedAt" = excluded."updatedAt"`

/** A host that sends nothing but nonsense must not fill the disk: only its newest is kept. */
const FORGET_OLD = `delete from appview."refusedCommit" where host = $1 and id <=
  (select id from appview."refusedCommit" where host = $1 order by id desc offset 1000 limit 1)`

type Tally = { revs: Map<string, string>; outcomes: Record<string, number> }
const newTally = (): Tally => ({ revs: new Map(), outcomes: {} })

type Applying = { indexer: Indexer; host: string; now: Date }
type At = { rev: string; hidden: boolean }

/** One event behind a savepoint: data that Postgres will not take costs that event only. It is
 *  kept as refused, with the frame's records already judged one by one. */
async function applyIsolated(
  tx: Sql,
  a: Applying,
  event: FirehoseEvent,
  tally: Tally,
): Promise<void> {
  await tx.query('savepoint event')
  try {
    await apply(tx, a, event, tally)
    await tx.query('release savepoint event')
  } catch (error) {
    if (!isDataError(error)) throw error
    await tx.query('rollback to savepoint event')
    await refuse(tx, a, { ...event, reason: 'Unstorable', detail: String(error) })
    note(tally, 'refused')
  }
}

async function apply(tx: Sql, a: Applying, event: FirehoseEvent, tally: Tally): Promise<void> {
  switch (event.kind) {
    case 'commit': {
      const account = await noteAccount(tx, event.did, a.now)
      if (account.rev !== null && event.rev <= account.rev) {
        // Also when an earlier attempt was stored and only its answer was lost.
        tally.revs.set(event.did, account.rev)
        return note(tally, 'older')
      }
      if (account.deleted) return note(tally, 'gone')
      for (const w of event.writes)
        note(tally, await write(tx, a, w, { rev: event.rev, hidden: account.hidden }))
      await tx.query('update appview.account set rev = $2, data = $3 where did = $1', [
        event.did,
        event.rev,
        event.data,
      ])
      tally.revs.set(event.did, event.rev)
      return
    }
    case 'identity':
      await noteAccount(tx, event.did, a.now)
      await tx.query(
        `update appview.account set handle = $2, pds = coalesce($3, pds), "updatedAt" = $4
         where did = $1 and status <> 'deleted'`,
        [event.did, event.handle ?? null, event.pds ?? null, a.now],
      )
      return note(tally, 'identity')
    case 'account':
      if (event.status === 'deleted') await forgetAccount(tx, a.indexer, event.did, a.now)
      else
        await setStatus(tx, a.indexer, {
          did: event.did,
          status: event.active ? 'active' : (event.status ?? 'inactive'),
          now: a.now,
        })
      return note(tally, 'account')
    case 'repo':
      return applyRepo(tx, a, event, tally)
    case 'sync':
      // Told without content: the repo stands where it stood.
      return note(tally, 'sync')
    case 'refused':
      await refuse(tx, a, event)
      return note(tally, 'refused')
  }
}

/** Takes over a whole repo. What is kept of it and older, but no longer there, has been deleted. */
async function applyRepo(
  tx: Sql,
  a: Applying,
  event: FirehoseEvent & { kind: 'repo' },
  tally: Tally,
): Promise<void> {
  const { did, rev, data, records } = event
  const account = await noteAccount(tx, did, a.now)
  if (account.rev !== null && rev < account.rev) return note(tally, 'older')
  if (account.deleted) return note(tally, 'gone')
  const at = { rev, hidden: account.hidden }
  for (const w of records) note(tally, await write(tx, a, w, at))
  const kept = await tx.query<{ collection: string; rkey: string }>(
    'select collection, rkey from appview.record where did = $1 and cid is not null',
    [did],
  )
  const there = new Set(records.map((w) => `${w.collection}/${w.rkey}`))
  for (const { collection, rkey } of kept.rows) {
    if (there.has(`${collection}/${rkey}`)) continue
    const gone = { action: 'delete', did, collection, rkey, cid: null, bytes: null } as const
    note(tally, await write(tx, a, gone, at))
  }
  await tx.query('update appview.account set rev = $2, data = $3 where did = $1', [did, rev, data])
  tally.revs.set(did, rev)
}

async function write(tx: Sql, a: Applying, w: RecordWrite, at: At): Promise<string> {
  const { rev, hidden } = at
  const outcome = await a.indexer.write(tx, { ...w, rev }, { now: a.now, hidden })
  return typeof outcome === 'string' ? outcome : 'refused'
}

async function refuse(
  tx: Sql,
  a: Applying,
  e: FirehoseEvent & { reason: string; detail: string },
): Promise<void> {
  const frame = e.kind === 'refused' ? e.frame : new Uint8Array()
  await tx.query(
    `insert into appview."refusedCommit" (host, seq, did, reason, detail, frame, "refusedAt")
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [a.host, e.seq, e.did, e.reason, e.detail.slice(0, 1_000), frame, a.now],
  )
  await tx.query(FORGET_OLD, [a.host])
}

function note(tally: Tally, outcome: string): void {
  tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1
}
