import { beforeEach, expect, test } from 'vitest'
import { lockAccounts } from '../src/appview/account.ts'
import { collections } from '../src/appview/collections/index.ts'
import { message } from '../src/appview/collections/spaces/message.ts'
import { Indexer, type Write } from '../src/appview/index-record.ts'
import {
  type Replayed,
  type Which,
  quarantined,
  refusedCommits,
  replay,
} from '../src/appview/quarantine.ts'
import { type SqlPool, transaction } from '../src/appview/sql.ts'
import { type AppViewDatabase, NOW, appViewDatabase } from './appview-database.ts'
import { wrongFigures } from './recount.ts'
import { exampleWrite, rev, writeOf } from './record.ts'

const example = message.examples.good[0]!
let db: AppViewDatabase
beforeEach(async () => {
  db = await appViewDatabase()
})

/** The kernel as it was when the rules for messages were stricter. */
const strict = new Indexer(
  collections.map((c) => (c === message ? Object.create(c, { accept: { value: no } }) : c)),
)
function no(): string {
  return 'TooNew'
}

test('what was refused is listed with its reason, its bytes and where it stands', async () => {
  const write = await exampleWrite(message, example)
  await take(strict, [write])
  await take(db.indexer, [await nonsense('did:plc:alice')])
  const all = await listed({})
  expect(all.map(({ reason }) => reason).toSorted()).toEqual(['SchemaMismatch', 'TooNew'])
  const [only] = await listed({ reason: 'TooNew' })
  expect(only).toMatchObject({ uri: uriOf(write), cid: write.cid, rev: write.rev })
  expect(Buffer.from(only!.bytes)).toEqual(Buffer.from(write.bytes!))
  expect(await listed({ collection: 'co.kendev.spaces.channel' })).toEqual([])
  expect(await listed({ place: { ...write, rkey: 'another' } })).toEqual([])
})

test('refused commits are listed, the newest first', async () => {
  for (const [seq, reason] of [[1, 'BadSignature'] as const, [2, 'BadTree'] as const])
    await db.pool.query(
      `insert into appview."refusedCommit" (host, seq, did, reason, detail, frame, "refusedAt")
       values ('https://liar.example', $1, 'did:plc:eve', $2, 'why', '\\x00', $3)`,
      [seq, reason, NOW],
    )
  const commits = await refusedCommits(db.pool, {})
  expect(commits.map(({ seq, reason }) => [seq, reason])).toEqual([
    ['2', 'BadTree'],
    ['1', 'BadSignature'],
  ])
  expect(await refusedCommits(db.pool, { reason: 'BadTree' })).toHaveLength(1)
})

test('records that today’s rules accept are shown and counted; the others stay', async () => {
  const good = await Promise.all(
    Array.from({ length: 5 }, (_, n) => exampleWrite(message, example, n + 2)),
  )
  const bad = await nonsense('did:plc:alice')
  await take(strict, good)
  await take(db.indexer, [bad])
  expect(await db.rows(message)).toEqual([])

  const first = await replayed({ place: good[0]! })
  expect(first.map(({ record, reason }) => [record.uri, reason])).toEqual([
    [uriOf(good[0]!), undefined],
  ])
  const rest = await replayed({})
  expect(rest.map(({ reason }) => reason ?? 'shown').toSorted()).toEqual([
    'SchemaMismatch',
    ...Array<string>(4).fill('shown'),
  ])
  const rows = await db.rows(message)
  expect(rows.map(({ uri }) => uri).toSorted()).toEqual(good.map(uriOf).toSorted())
  expect(await wrongFigures(db.pool, collections)).toEqual([])
  expect(await listed({})).toMatchObject([{ reason: 'SchemaMismatch' }])
})

test('a record whose author is not active is not shown by judging it again', async () => {
  const write = await exampleWrite(message, example)
  await take(strict, [write])
  await db.pool.query(`update appview.account set status = 'takendown'`)
  expect(await replayed({})).toEqual([])
  expect(await db.rows(message)).toEqual([])
  expect(await listed({})).toHaveLength(1)
})

test('a version that came since the list was read is not replaced by the one refused', async () => {
  const write = await exampleWrite(message, example)
  await take(strict, [write])
  const newer = { ...(await exampleWrite(message, example)), rev: rev(9) }
  const late = racing(db.pool, () => take(db.indexer, [newer]))
  expect(await replayed({}, late)).toEqual([])
  expect(await db.rows(message)).toMatchObject([{ rev: newer.rev }])
})

/** A pool on which something happens between reading a page and replaying it. */
function racing(pool: SqlPool, work: () => Promise<void>): SqlPool {
  let once: Promise<void> | undefined
  return {
    query: (text, values) => pool.query(text, values),
    connect: async () => {
      await (once ??= work())
      return pool.connect()
    },
  }
}

function take(indexer: Indexer, writes: readonly Write[]): Promise<void> {
  return transaction(db.pool, async (tx) => {
    await lockAccounts(
      tx,
      writes.map(({ did }) => did),
      NOW,
    )
    await indexer.writeAll(tx, writes, { now: NOW })
  })
}

function nonsense(did: string): Promise<Write> {
  const place = { did, collection: message.nsid, rkey: '3m6bkl22222zz' }
  return writeOf({ ...place, rev: rev(3), record: { space: 7 } })
}

async function listed(which: Which) {
  return (await Array.fromAsync(quarantined(db.pool, which))).flat()
}

async function replayed(which: Which, pool = db.pool): Promise<Replayed[]> {
  return (await Array.fromAsync(replay(pool, db.indexer, which))).flat()
}

function uriOf({ did, collection, rkey }: Write): string {
  return `at://${did}/${collection}/${rkey}`
}
