import { toBytes } from '@atcute/cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Write } from '../../src/appview/index-record.ts'
import { createTokenBook } from '../../src/appview/tokens/keep-token-book.ts'
import { standingReader } from '../../src/appview/tokens/ledger-standing.ts'
import { nativeCrypto as crypto } from '../../src/crypto/native.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import { type Standing, stateRoot } from '../../src/tokens/state-root.ts'
import { type AppViewDatabase, NOW, appViewDatabase } from '../appview-database.ts'
import { deletionOf, rev } from '../record.ts'
import { GOVERNANCE, didOf, payer } from './town.ts'
import { TokenWorld } from './token-world.ts'

const [ADA, BEN, CEM, POOL] = [payer('ada'), payer('ben'), payer('cem'), payer('pool')]
const clock = { now: () => NOW }

const TABLES = ['tokenEpoch', 'tokenJudgement', 'tokenContent', 'tokenPosting']

async function openBook(world: TokenWorld, db?: AppViewDatabase) {
  const made = db ?? (await appViewDatabase())
  for (const table of TABLES) await made.pool.query(`truncate node."${table}"`)
  const ledgers = [{ genesis: world.genesis, governance: GOVERNANCE }]
  const book = createTokenBook({ sql: made.pool, ledgers, clock })
  const take = async (writes: readonly Write[]) => {
    for (const write of writes) await made.write(write)
  }
  return { ...made, book, take }
}

/** Accounts as the book has them. */
async function standings({ pool }: Pick<AppViewDatabase, 'pool'>): Promise<Standing[]> {
  const { rows } = await pool.query<{ did: string; balance: string; seq: string; head: string }>(
    `select p.account as did, sum(p.amount)::text as balance,
       coalesce(max(c.seq), '0') as seq,
       (array_agg(c.id order by c.seq desc) filter (where c.id is not null))[1] as head
     from node."tokenPosting" p
     left join node."tokenContent" c on c.id = p.transfer and c.account = p.account
       and c."isCounted"
     group by p.account`,
  )
  return rows.map(({ did, balance, seq, head }) => ({
    did,
    balance: BigInt(balance),
    seq: Number(seq),
    ...(head !== null && { head }),
  }))
}

const rootOf = (accounts: Iterable<Standing>) => toBytes(stateRoot(crypto, accounts)).$bytes
const writesOf = (world: TokenWorld) => [
  ...world.epochWrites,
  ...world.paid.flat().flatMap(({ record, apply }) => [record, apply]),
]

/** Three epochs in which tokens go round. */
function busyWorld(): TokenWorld {
  const grants = [
    { kind: 'system_grant', amount: 9_000_000, to: ADA.did },
    { kind: 'karma_reward', amount: 5_000_000, pool: POOL.did },
  ] as const
  const world = new TokenWorld(grants)
  world.pay(ADA, [{ to: BEN.did, amount: 4_000_000 }])
  world.pay(ADA, [{ to: CEM.did, amount: 1_000_000 }])
  world.pay(BEN, [{ to: CEM.did, amount: 3_500_000 }])
  world.end(grants)
  world.pay(CEM, [
    { to: ADA.did, amount: 2_000_000 },
    { to: BEN.did, amount: 1, role: 'fee' },
  ])
  world.end([])
  world.pay(BEN, [{ to: ADA.did, amount: 400_000 }])
  return world
}

test('balances are those of the validators, whatever comes first', async () => {
  const world = busyWorld()
  const writes = writesOf(world)
  const turns = writes.map((_, n) => n)
  const db = await appViewDatabase()
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(turns, { minLength: turns.length }),
      fc.array(fc.constantFrom(...turns), { maxLength: 4 }),
      async (order, pauses) => {
        await db.clear()
        const { book, take } = await openBook(world, db)
        for (const [n, turn] of order.entries()) {
          await take([writes[turn]!])
          if (pauses.includes(n)) await book.settle()
        }
        await book.settle()
        expect(rootOf(await standings(db))).toBe(rootOf(world.accounts.values()))
        const { rows } = await db.pool.query<{ standing: string; isVerified: boolean }>(
          'select standing, "isVerified" from node."tokenEpoch" order by epoch',
        )
        expect(rows).toEqual([
          { standing: 'settled', isVerified: true },
          { standing: 'settled', isVerified: true },
          { standing: 'open', isVerified: false },
        ])
      },
    ),
    { numRuns: 25 },
  )
})

test('folding everything anew changes nothing', async () => {
  const world = busyWorld()
  const { book, take, pool } = await openBook(world)
  await take(writesOf(world))
  await book.settle()
  const rows = async () =>
    (await pool.query('select * from node."tokenPosting" order by ledger, epoch, n')).rows
  const before = await rows()
  await book.settle({ anew: true })
  expect(before.length).toBeGreaterThan(0)
  expect(await rows()).toEqual(before)
})

test('a transfer counts though its sender deletes the record after it was certified', async () => {
  const world = busyWorld()
  const { book, take, ...db } = await openBook(world)
  await take(writesOf(world))
  await book.settle()
  await take([deletionOf(world.paid[0]![0]!.record, rev(9))])
  await take([deletionOf(world.epochWrites[0]!, rev(9))])
  await book.settle({ anew: true })
  expect(rootOf(await standings(db))).toBe(rootOf(world.accounts.values()))
})

test('certificates by too few, by others, or of another epoch’s validators do not count', async () => {
  const world = busyWorld()
  const [first] = world.paid[0]!
  const { book, take, pool } = await openBook(world)
  const { read } = first!
  const strangers = world.signers.map(({ did }) => ({ did, signer: p256Signer() }))
  const forged = [
    world.certify(read, 'apply', ADA.signer.didKey, world.signers.slice(0, 2)),
    world.certify(read, 'apply', ADA.signer.didKey, strangers),
    { ...world.certify(read, 'apply', ADA.signer.didKey), epoch: 1 },
    { ...world.certify(read, 'apply', ADA.signer.didKey), seq: 2, prev: read.id },
  ]
  const { did, collection } = first!.apply
  await take([world.epochWrites[0]!, first!.record])
  await take(forged.map((one, n) => world.write(did, collection, `at.forged.${n}`, one)))
  await book.settle()
  const { rows } = await pool.query<{ reason: string }>(
    'select reason from node."tokenJudgement" order by uri',
  )
  expect(rows.map(({ reason }) => reason)).toEqual([
    'TooFewSigners',
    'BadSignature',
    'WrongEpoch',
    'BadSignature',
  ])
  expect((await pool.query('select 1 from node."tokenContent"')).rows).toEqual([])
})

test('epochs that no quorum has signed, or that others publish, do not count', async () => {
  const world = busyWorld()
  const { book, take, pool } = await openBook(world)
  const unsigned = { ...world.epochs[1]!.epoch, signatures: [] }
  const stranger = didOf('stranger')
  const [first, second] = world.epochWrites
  await take([first!, world.write(GOVERNANCE, second!.collection, 'at.1', unsigned)])
  await take([{ ...second!, did: stranger }])
  await book.settle()
  const known = async () => (await pool.query('select epoch from node."tokenEpoch"')).rows
  expect(await known()).toEqual([{ epoch: 0 }])
  await take([{ ...second!, rev: rev(5) }])
  await book.settle()
  expect(await known()).toHaveLength(2)
})

const hexOf = (accounts: Iterable<Standing>) =>
  Buffer.from(stateRoot(crypto, accounts)).toString('hex')

test('a node says of each epoch whether what it shows is what the validators have signed', async () => {
  const world = busyWorld()
  const { book, take, pool } = await openBook(world)
  const standing = standingReader(pool)
  const [last] = world.paid[1]!
  await take(writesOf(world).filter((write) => write !== last!.record))
  await book.settle()
  expect(await standing(world.genesis, 0)).toMatchObject({
    standing: 'settled',
    transfers: 3,
    agrees: true,
  })
  const lacking = await standing(world.genesis, 1)
  expect(lacking).toMatchObject({ standing: 'unproven', transfers: 0, agrees: false })
  expect(lacking!.announced!.stateRoot).not.toBe(lacking!.stateRoot)
  await take([last!.record])
  await book.settle()
  expect(await standing(world.genesis, 1)).toMatchObject({ standing: 'settled', agrees: true })
  const now = await standing(world.genesis, undefined)
  expect(now).toMatchObject({
    epoch: 2,
    standing: 'open',
    stateRoot: hexOf(world.accounts.values()),
    supply: 18_000_000,
    accounts: 3,
    transfers: 1,
  })
  expect(now).not.toHaveProperty('agrees')
  expect(await standing(world.genesis, 3)).toBeUndefined()
})

test('the root is of what balances are read from: a balance that is changed by hand shows', async () => {
  const world = busyWorld()
  const { book, take, pool } = await openBook(world)
  await take(writesOf(world))
  await book.settle()
  await pool.query(
    `update node."tokenPosting" set amount = amount + 1
    where epoch = 0 and account = $1`,
    [BEN.did],
  )
  expect(await standingReader(pool)(world.genesis, 0)).toMatchObject({
    standing: 'settled',
    agrees: false,
  })
})
