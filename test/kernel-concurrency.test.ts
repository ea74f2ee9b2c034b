import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noteAccount } from '../src/appview/account.ts'
import { collections } from '../src/appview/collections/index.ts'
import type { Write } from '../src/appview/index-record.ts'
import { migrations } from '../src/appview/migrations/index.ts'
import { type Sql, type SqlPool, transaction } from '../src/appview/sql.ts'
import { migrate } from '../src/database/migrate.ts'
import { openPool } from '../src/database/pool.ts'
import { silentLog } from '../src/log.ts'
import { createTids } from '../src/tid.ts'
import { type AppViewDatabase, NOW, appViewOn } from './appview-database.ts'
import { type NativeDatabase, nativeDatabase } from './database/native.ts'
import { seeded } from './fast/random.ts'
import { setStatus } from './kernel-history.ts'
import { wrongFigures } from './recount.ts'
import { deletionOf, writeOf } from './record.ts'

const ROUNDS = 20
const SPACES = 'co.kendev.spaces'
const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'
const createdAt = '2026-11-22T08:00:00Z'

let database: NativeDatabase<unknown>
let pool: pg.Pool
let db: AppViewDatabase
beforeAll(async () => {
  database = await nativeDatabase()
  await migrate({ db: database.db, schema: 'node', migrations })
  // Deadlocks are part of this test; by default each is looked for only after a second.
  await database.pool.query(`alter role postgres set deadlock_timeout = '10ms'`)
  pool = openPool({ url: database.url, max: 16, log: silentLog })
  db = await appViewOn(pool as unknown as SqlPool)
})
afterAll(async () => {
  await pool?.end()
  await database?.close()
})

/** Connections that pause a little before each statement, so that others come in between. */
function hesitant(random: () => number): SqlPool {
  const slow = (sql: Sql): Sql['query'] => {
    return async (text, values) => {
      await sleep(random() * 4)
      return sql.query(text, values)
    }
  }
  return {
    query: slow(db.pool),
    connect: async () => {
      const client = await db.pool.connect()
      return { query: slow(client), release: (error) => client.release(error) }
    },
  }
}

const nextRev = createTids({ now: () => NOW })
const rkey = nextRev()

/** A space with members, a thread and reactions, each record under the same few keys. */
async function recordsOf(round: number) {
  const [space, ada, ben] = ['garage', 'ada', 'ben'].map((name) => `did:plc:${name}${round}`)
  const uri = (did: string, kind: string) => `at://${did}/${SPACES}.${kind}/${rkey}`
  const write = (did: string, kind: string, record: object, key = rkey) =>
    writeOf({ collection: `${SPACES}.${kind}`, did, rkey: key, rev: nextRev(), record })
  const channel = uri(space!, 'channel')
  const ref = (did: string) => ({ uri: uri(did, 'message'), cid: CID })
  const say = (did: string, more: object) =>
    write(did, 'message', { space, channel, text: 'Hello', createdAt, ...more })
  const react = (did: string) =>
    write(did, 'reaction', { space, subject: ref(ada!), emoji: '🔧', createdAt })
  const admit = (did: string) =>
    write(space!, 'membership', { subject: did, role: 'member', joinedAt: createdAt }, did)
  const ask = (did: string) => write(did, 'membershipRequest', { space, createdAt }, space)
  const reply = { root: ref(ada!), parent: ref(ada!) }
  return Promise.all([
    write(space!, 'space', { name: 'Garage', createdAt }, 'self'),
    write(space!, 'channel', { space, name: 'general', createdAt }),
    ...[ada!, ben!].flatMap((did) => [admit(did), ask(did), react(did)]),
    say(ada!, {}),
    say(ben!, { reply }),
  ])
}

/** What may come next for a record: again, changed in time, or deleted. */
function nextVersion(write: Write, dice: number): Write {
  const newer = { ...write, rev: nextRev() }
  return dice < 0.5 ? deletionOf(newer, newer.rev) : newer
}

test('records that arrive at the same time never miss each other', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const random = seeded(round)
    const slow = hesitant(seeded(-round))
    const first = await recordsOf(round)
    const arrive = (write: Write) => async (tx: Sql) => {
      const { hidden } = await noteAccount(tx, write.did, NOW)
      await db.indexer.write(tx, write, { now: NOW, hidden })
    }
    // Without the account's lock, which would let the records of one repo come one by one.
    const alone = (write: Write) => (tx: Sql) => db.indexer.write(tx, write, { now: NOW })
    const together = (works: ((tx: Sql) => Promise<unknown>)[]) =>
      Promise.all(works.map((work) => transaction(slow, work)))
    await together(first.map(alone))
    expect(await wrongFigures(db.pool, collections)).toEqual([])
    const did = `did:plc:${random() < 0.5 ? 'ada' : 'garage'}${round}`
    const status = (to: string) => (tx: Sql) => setStatus(tx, db.indexer, { did, status: to })
    const second = first.map((write) => nextVersion(write, random()))
    await together([...second.map(arrive), status('deactivated')])
    await together([...second.map((write) => arrive(nextVersion(write, 1))), status('active')])
    expect(await wrongFigures(db.pool, collections)).toEqual([])
  }
  const { rows } = await pool.query('select count(*)::int n from appview.message where admitted')
  expect(rows[0].n).toBeGreaterThan(0)
})

test('batches that arrive at the same time never miss each other', async () => {
  for (let round = 0; round < ROUNDS / 2; round++) {
    const random = seeded(round)
    const slow = hesitant(seeded(-round))
    const three = [1, 2, 3].map((n) => recordsOf(1_000 + round * 3 + n))
    const first = (await Promise.all(three)).flat()
    const mixed = (writes: readonly Write[]) => {
      const shuffled = writes.map((write) => ({ write, at: random() }))
      const sorted = shuffled.toSorted((a, b) => a.at - b.at).map(({ write }) => write)
      return [sorted.slice(0, 8), sorted.slice(8, 12), sorted.slice(12)]
    }
    const together = (batches: readonly Write[][]) =>
      Promise.all(
        batches.map((batch) =>
          transaction(slow, (tx) => db.indexer.writeAll(tx, batch, { now: NOW })),
        ),
      )
    await together(mixed(first))
    expect(await wrongFigures(db.pool, collections)).toEqual([])
    const second = first.map((write) => nextVersion(write, random()))
    await together(mixed(second))
    expect(await wrongFigures(db.pool, collections)).toEqual([])
    await together(mixed(second.map((write) => nextVersion(write, random()))))
    expect(await wrongFigures(db.pool, collections)).toEqual([])
  }
})

test('a transaction that Postgres ends because of another one is run again', async () => {
  await pool.query('create table if not exists appview.pair (id int primary key, n int)')
  await pool.query('insert into appview.pair values (1, 0), (2, 0)')
  const meet = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let runs = 0
  const add = (mine: number) =>
    transaction(db.pool, async (tx) => {
      runs++
      await tx.query('update appview.pair set n = n + 1 where id = $1', [mine + 1])
      meet[mine]!.resolve()
      await meet[1 - mine]!.promise
      await tx.query('update appview.pair set n = n + 1 where id = $1', [2 - mine])
    })
  await Promise.all([add(0), add(1)])
  expect(runs).toBe(3)
  expect((await pool.query('select n from appview.pair')).rows).toEqual([{ n: 2 }, { n: 2 }])
  let tries = 0
  const broken = transaction(db.pool, (tx) => (tries++, tx.query('select 1/0')))
  await expect(broken).rejects.toThrow('division by zero')
  expect(tries).toBe(1)
})
