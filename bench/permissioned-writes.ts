import { randomBytes } from 'node:crypto'
import { systemClock } from '../src/clock.ts'
import type { Database } from '../src/database/database.ts'
import { type SqlPool, transaction } from '../src/database/sql.ts'
import { co } from '../src/lexicons/index.ts'
import { audienceUri, ensureAudience } from '../src/permissioned/audience.ts'
import { admissionGuard } from '../src/permissioned/store/admission.ts'
import { type SpaceStore, createSpaceStore } from '../src/permissioned/store/store.ts'
import { createTids } from '../src/tid.ts'
import { median, orderOf, pairedRatio } from './paired.ts'
import type { Figure } from './result.ts'

const GOAL = 0.4
const ROUNDS = 6
const TEXT = 'The lift is free on Friday, and the caliper has come in. See you at nine?'

type Bench = { pool: SqlPool; store: SpaceStore; space: string; nextTid: () => string }
/** One write by the writer with this number. */
type WriteOne = (writer: number) => Promise<unknown>

/** Writes/s through the store (record, log, set hash, guard, what hosts and views are told) against
 *  transactions of one row with the same bytes, over the same pool, in turns. */
export async function benchSpaceWrites(
  database: Database,
  report: (line: string) => void,
  size: number,
): Promise<Figure[]> {
  const bench = await prepare(database)
  const writes = Math.max(64, Math.min(4_000, Math.round(size / 25)))
  const row = await oneRow(bench)
  const figures: Figure[] = []
  const cases: [string, number, WriteOne][] = [
    ['permissioned write, 16 writers', 16, (n) => create(bench, n)],
    ['permissioned write, 1 writer', 1, (n) => create(bench, n)],
    ['permissioned put over a record, 16 writers', 16, (n) => put(bench, n)],
    ['permissioned write, 16 clients on one repo', 16, () => create(bench, 0)],
  ]
  for (const [name, writers, write] of cases) {
    const [ours, theirs]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++)
      for (const side of orderOf(['ours', 'row'] as const, round)) {
        const rate = await rateOf(side === 'ours' ? write : row, writers, writes / ROUNDS)
        ;(side === 'ours' ? ours : theirs).push(rate)
      }
    const ratio = pairedRatio(ours, theirs)
    const [mine, other] = [Math.round(median(ours)), Math.round(median(theirs))]
    const range = `${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}`
    report(`${name}: ${mine}/s, one row ${other}/s, ratio ${ratio.median.toFixed(2)} (${range})`)
    figures.push({
      bench: name,
      goal: figures.length === 0 ? GOAL : null,
      ours: mine,
      reference: other,
      ratio: Number(ratio.median.toFixed(3)),
      unit: 'writes/s',
    })
  }
  return figures
}

async function prepare({ pool }: Database): Promise<Bench> {
  const sql = pool as unknown as SqlPool
  const authority = 'did:plc:garage'
  await ensureAudience(sql, { authority, audience: 'members', now: systemClock.now() })
  const nextTid = createTids(systemClock)
  const membershipType = co.kendev.spaces.membership.$type
  const store = createSpaceStore({
    pool: sql,
    clock: systemClock,
    nextTid,
    validate: () => ({ ok: true }),
    guards: [admissionGuard({ membershipType, clock: systemClock })],
  })
  return { pool: sql, store, space: audienceUri(authority, 'members'), nextTid }
}

const message = (text: string) => ({
  $type: co.kendev.spaces.message.$type,
  space: 'did:plc:garage',
  text,
  createdAt: systemClock.now().toISOString(),
})

function create({ store, space, nextTid }: Bench, writer: number) {
  const collection = co.kendev.spaces.message.$type
  const write = { action: 'create' as const, collection, rkey: nextTid(), record: message(TEXT) }
  return store.applyWrites({ space, did: `did:plc:writer${writer}`, writes: [write] })
}

function put({ store, space }: Bench, writer: number) {
  const collection = co.kendev.spaces.message.$type
  const record = message(`${TEXT} ${randomBytes(4).toString('hex')}`)
  const write = { action: 'put' as const, collection, rkey: '3m6bkl2222222', record }
  return store.applyWrites({ space, did: `did:plc:putter${writer}`, writes: [write] })
}

async function oneRow({ pool, nextTid }: Bench): Promise<WriteOne> {
  await pool.query('create table public.row (key text primary key, bytes bytea not null)')
  const bytes = Buffer.from(JSON.stringify(message(TEXT)))
  return () =>
    transaction(pool, (tx) =>
      tx.query('insert into public.row (key, bytes) values ($1, $2)', [nextTid(), bytes]),
    )
}

/** Writes/s of so many writers, each of whom waits for its last write. */
async function rateOf(write: WriteOne, writers: number, writes: number): Promise<number> {
  let left = Math.max(writers, Math.round(writes))
  const total = left
  const begun = performance.now()
  const one = async (writer: number) => {
    while (left-- > 0) await write(writer)
  }
  await Promise.all(Array.from({ length: writers }, (_, writer) => one(writer)))
  return total / ((performance.now() - begun) / 1000)
}
