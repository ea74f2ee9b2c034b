import { afterAll, beforeAll, expect, test } from 'vitest'
import { collections } from '../../src/appview/collections/index.ts'
import type { Write } from '../../src/appview/index-record.ts'
import { migrations } from '../../src/appview/migrations/index.ts'
import type { SqlPool } from '../../src/appview/sql.ts'
import { createTokenBook } from '../../src/appview/tokens/keep-token-book.ts'
import { migrate } from '../../src/database/migrate.ts'
import { compareTables } from '../../src/rebuild/compare.ts'
import { fillNext } from '../../src/rebuild/rebuild.ts'
import { switchOver } from '../../src/rebuild/switch-over.ts'
import { type AppViewDatabase, NOW, appViewOn } from '../appview-database.ts'
import { type NativeDatabase, nativeDatabase } from '../database/native.ts'
import { World, viewRows } from '../rebuild-world.ts'
import { exampleWrite } from '../record.ts'
import { spaceTables } from '../space-database.ts'
import { GOVERNANCE, payer } from './town.ts'
import { TokenWorld } from './token-world.ts'

const [ADA, BEN] = [payer('ada'), payer('ben')]

let database: NativeDatabase<unknown>
let db: AppViewDatabase
beforeAll(async () => {
  database = await nativeDatabase()
  await migrate({ db: database.db, schema: 'node', migrations })
  await spaceTables(database)
  db = await appViewOn(database.pool as unknown as SqlPool)
})
afterAll(() => database?.close())

function tokens(): { world: TokenWorld; writes: Write[] } {
  const world = new TokenWorld([{ kind: 'system_grant', amount: 9_000_000, to: ADA.did }])
  world.pay(ADA, [{ to: BEN.did, amount: 4_000_000 }])
  world.end([{ kind: 'karma_reward', amount: 5, pool: BEN.did }])
  world.pay(BEN, [{ to: ADA.did, amount: 2 }], { kind: 'karma_reward' })
  world.end([])
  world.pay(ADA, [{ to: BEN.did, amount: 1 }])
  const paid = world.paid.flat().flatMap((one) => [one.apply, one.lock, one.record])
  return { world, writes: [...paid, ...world.epochWrites.toReversed()] }
}

/** One record of every kind, beside those of the ledger. */
async function examples(): Promise<Write[]> {
  const kinds = collections.filter(({ nsid }) => nsid.includes('.tokens.'))
  return Promise.all(kinds.map((c) => exampleWrite(c, c.examples.good[0]!)))
}

test('a rebuild finds no difference in token records, and balances come out the same', async () => {
  const { world, writes } = tokens()
  const repos = new World(db)
  for (const write of [...writes, ...(await examples())]) await repos.commit(write)
  const ledgers = [{ genesis: world.genesis, governance: GOVERNANCE }]
  const open = () => createTokenBook({ sql: db.pool, ledgers, clock: { now: () => NOW } })
  const book = async () => ({
    postings: (await db.pool.query(POSTINGS)).rows,
    epochs: (await db.pool.query(EPOCHS)).rows,
  })
  await open().settle()
  const [rows, before] = [await viewRows(db.pool), await book()]
  expect(rows['tokenCertificate']!.length).toBeGreaterThan(6)
  expect(before.epochs.map(({ isVerified }) => isVerified as boolean)).toEqual([true, true, false])

  const rebuilding = repos.rebuilding()
  const filling = await fillNext(rebuilding)
  const compared = await compareTables(db.pool, collections)
  expect(compared.filter(({ differing }) => differing > 0)).toEqual([])
  await switchOver(filling, { timers: rebuilding.timers, keepOld: false })
  expect(await viewRows(db.pool)).toEqual(rows)

  for (const table of ['tokenEpoch', 'tokenJudgement', 'tokenContent', 'tokenPosting'])
    await db.pool.query(`truncate node."${table}"`)
  await open().settle()
  expect(await book()).toEqual(before)
})

const POSTINGS = 'select * from node."tokenPosting" order by ledger, epoch, n'
const EPOCHS = `select ledger, epoch, id, standing, "isVerified" from node."tokenEpoch"
  order by epoch`
