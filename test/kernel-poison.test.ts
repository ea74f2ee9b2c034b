import { expect, test } from 'vitest'
import { collections } from '../src/appview/collections/index.ts'
import { Indexer, type Write } from '../src/appview/index-record.ts'
import { transaction } from '../src/appview/sql.ts'
import { NOW, appViewDatabase } from './appview-database.ts'
import { rev, writeOf } from './record.ts'

const message = collections.find(({ table }) => table === 'message')!
const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)]

/** The head of a CBOR item (RFC 8949 §3) below 2^8. */
const head = (major: number, n: number): number[] =>
  n < 24 ? [(major << 5) | n] : [(major << 5) | 24, n]
const text = (bytes: number[]): number[] => [...head(3, bytes.length), ...bytes]
const map = (...fields: readonly (readonly [string, number[]])[]): number[] => {
  const size = ([name]: readonly [string, number[]]) => utf8(name).length
  const sorted = fields.toSorted((a, b) => size(a) - size(b) || (a[0] < b[0] ? -1 : 1))
  return [...head(5, fields.length), ...sorted.flatMap(([name, v]) => [...text(utf8(name)), ...v])]
}
const nested = (levels: number): number[] => [...Array.from({ length: levels }, () => 0x81), 1]
const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'

/** What a field nobody has declared may hold, byte by byte: good PDSs store most of it. */
const POISON: Readonly<Record<string, readonly [string, number[]]>> = {
  'U+0000 in a text': ['Unstorable', map(['x', text(utf8('a\0b'))])],
  'U+0000 in a name': ['Unstorable', map(['a\0b', [1]])],
  'half a surrogate pair': ['NotARecord', map(['x', text([0xed, 0xa0, 0x80])])],
  'bytes that are no UTF-8': ['NotARecord', map(['x', text([0xff, 0xfe])])],
  'an integer beyond 2^53': ['Unstorable', map(['x', [0x1b, 0, 0x20, 0, 0, 0, 0, 0, 1]])],
  'the largest integer': ['Unstorable', map(['x', [0x1b, ...Array<number>(8).fill(255)]])],
  'the smallest integer': ['Unstorable', map(['x', [0x3b, ...Array<number>(8).fill(255)]])],
  'a fraction': ['NotARecord', map(['x', [0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]])],
  'forty levels': ['NotARecord', map(['x', nested(40)])],
  'twenty thousand levels': ['NotARecord', map(['x', nested(20_000)])],
  'a $link to a number': ['NotARecord', map(['$link', [5]])],
  'a $link among other fields': ['NotARecord', map(['$link', text(utf8(CID))], ['a', [1]])],
  '$bytes of no bytes': ['NotARecord', map(['$bytes', text(utf8('!!!'))])],
  'a $type that is a number': ['NotARecord', map(['$type', [5]])],
  'a field named __proto__': ['NotARecord', map(['__proto__', map(['admin', [0xf5]])])],
  'a field without a name': ['NotARecord', map(['', [1]])],
  'a field twice': ['NotARecord', [0xa2, 0x61, 0x61, 1, 0x61, 0x61, 2]],
  'a link that is none': ['NotARecord', map(['x', [0xd8, 0x2a, 0x43, 0, 1, 2]])],
  'an unknown tag': ['NotARecord', map(['x', [0xc1, 1]])],
}

function poisoned(n: number, metadata: number[]): Write {
  const fields = map(
    ['$type', text(utf8(message.nsid))],
    ['space', text(utf8('did:plc:garage'))],
    ['text', text(utf8('Hello'))],
    ['createdAt', text(utf8('2026-11-23T10:00:00Z'))],
    ['unheardOf', metadata],
  )
  const bytes = new Uint8Array(fields)
  const at = { did: `did:plc:eve${n + 10}`, collection: message.nsid, rkey: rev(2), rev: rev(2) }
  return { ...at, cid: CID, bytes }
}

const harmless = (did: string, said = 'Hello', n = 2) =>
  writeOf({
    collection: message.nsid,
    did,
    rkey: rev(n),
    rev: rev(n),
    record: { space: 'did:plc:garage', text: said, createdAt: '2026-11-23T10:00:00Z' },
  })

test('poison is kept as it came with its reason, and troubles no record beside it', async () => {
  const { pool, indexer, rows } = await appViewDatabase()
  const poison = Object.values(POISON).map(([, bytes], n) => poisoned(n, bytes))
  const writes = [await harmless('did:plc:ada'), ...poison, await harmless('did:plc:ben')]
  const { outcomes } = await transaction(pool, (tx) => indexer.writeAll(tx, writes, { now: NOW }))
  const found = Object.keys(POISON).map((name, n) => [name, outcomes[n + 1]])
  const wanted = Object.entries(POISON).map(([name, [reason]]) => [name, { refused: reason }])
  expect(found).toEqual(wanted)
  expect([outcomes[0], outcomes.at(-1)]).toEqual(['indexed', 'indexed'])
  expect((await rows(message)).map(({ did }) => did).toSorted()).toEqual([
    'did:plc:ada',
    'did:plc:ben',
  ])
  const kept = await pool.query<{ did: string; bytes: Uint8Array; reason: string }>(
    `select did, bytes, reason from appview.record where did like 'did:plc:eve%' order by did`,
  )
  expect(kept.rows.map((row) => ({ ...row, bytes: [...row.bytes] }))).toEqual(
    poison.map((write, n) => ({
      did: write.did,
      bytes: [...write.bytes!],
      reason: Object.values(POISON)[n]![0],
    })),
  )
})

test('the same fields without poison are shown', async () => {
  const { indexer, pool, rows } = await appViewDatabase()
  const fine = [
    map(['x', nested(28)]),
    text(utf8('It said \uFFFD and __proto__.')),
    map(['n', [1]]),
  ]
  const writes = fine.map((bytes, n) => poisoned(n, bytes))
  const { outcomes } = await transaction(pool, (tx) => indexer.writeAll(tx, writes, { now: NOW }))
  expect(outcomes).toEqual(['indexed', 'indexed', 'indexed'])
  expect((await rows(message)).map(({ content }) => content)).toContainEqual(
    expect.objectContaining({ unheardOf: 'It said \uFFFD and __proto__.' }),
  )
})

test('what only Postgres refuses costs that record alone', async () => {
  const { indexer, pool, rows } = await appViewDatabase()
  await pool.query(`alter table appview.message add constraint odd check ("text" <> 'odd')`)
  const dids = Array.from({ length: 30 }, (_, n) => `did:plc:author${n}`)
  const odd = new Set(['did:plc:author0', 'did:plc:author11', 'did:plc:author12'])
  const writes = dids.map((did) => harmless(did, odd.has(did) ? 'odd' : 'even'))
  const all = await Promise.all(writes)
  const { outcomes } = await transaction(pool, (tx) => indexer.writeAll(tx, all, { now: NOW }))
  await pool.query('alter table appview.message drop constraint odd')
  expect(outcomes).toEqual(
    dids.map((did) => (odd.has(did) ? { refused: 'Unstorable' } : 'indexed')),
  )
  expect(await rows(message)).toHaveLength(27)
  const kept = await pool.query('select did from appview.record where reason is not null')
  expect(kept.rows).toHaveLength(3)
})

test('a rule that fails at one record is that record’s reason', async () => {
  const { pool } = await appViewDatabase()
  const broken = {
    ...message,
    accept: (input: Parameters<typeof message.accept>[0]) => {
      if (input.did === 'did:plc:ben') throw new TypeError('no such field')
      return message.accept(input)
    },
  }
  const indexer = new Indexer(collections.map((c) => (c === message ? broken : c)))
  const writes = [await harmless('did:plc:ada'), await harmless('did:plc:ben')]
  const { outcomes } = await transaction(pool, (tx) => indexer.writeAll(tx, writes, { now: NOW }))
  expect(outcomes).toEqual(['indexed', { refused: 'RuleFailed' }])
})
