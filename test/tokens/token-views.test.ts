import { toBytes } from '@atcute/cbor'
import { getMain } from '@atproto/lex'
import { expect, test } from 'vitest'
import type { Write } from '../../src/appview/index-record.ts'
import { findBalance } from '../../src/appview/tokens/balance-view.ts'
import { createTokenBook } from '../../src/appview/tokens/keep-token-book.ts'
import { keepRefusal } from '../../src/appview/tokens/keep-refusal.ts'
import { findSupply } from '../../src/appview/tokens/supply-view.ts'
import { ledgerAsked } from '../../src/appview/tokens/token-ledgers.ts'
import { findTransfer, listTransfers } from '../../src/appview/tokens/transfer-views.ts'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { co } from '../../src/lexicons/index.ts'
import { verificationHash } from '../../src/tokens/worth/verification-hash.ts'
import { NOW, appViewDatabase } from '../appview-database.ts'
import { GOVERNANCE, payer } from './town.ts'
import { type Paid, TokenWorld } from './token-world.ts'

const [ADA, BEN, CEM, POOL] = [payer('ada'), payer('ben'), payer('cem'), payer('pool')]
const GRANTS = [
  { kind: 'system_grant', amount: 9_000_000, to: ADA.did },
  { kind: 'karma_reward', amount: 5_000_000, pool: POOL.did },
] as const
const EVIDENCE = co.kendev.tokens.evidence.$type
const TABLES = ['tokenEpoch', 'tokenJudgement', 'tokenContent', 'tokenPosting']
const { getBalance, getSupply, getTransfer, listTransfers: list } = co.kendev.tokens

async function open(world: TokenWorld) {
  const { pool, write } = await appViewDatabase()
  for (const table of TABLES) await pool.query(`truncate node."${table}"`)
  const ledgers = [{ genesis: world.genesis, governance: GOVERNANCE }]
  const book = createTokenBook({ sql: pool, ledgers, clock: { now: () => NOW } })
  const looking = { sql: pool, origin: 'https://node.example' }
  const checked = <T>(method: Parameters<typeof getMain>[0], answer: T): T => {
    const { output } = getMain(method) as { output: { schema: { check(value: unknown): void } } }
    output.schema.check(answer)
    return answer
  }
  return {
    pool,
    take: async (...writes: readonly Write[]) => {
      for (const one of writes) expect(await write(one)).toBe('indexed')
      await book.settle()
    },
    transfer: async ({ uri }: Paid) => checked(getTransfer, (await findTransfer(looking, uri))!),
    transfers: async (asked: Parameters<typeof listTransfers>[1]) =>
      checked(list, await listTransfers(looking, asked)),
    balance: async (did: string) =>
      checked(getBalance, await findBalance(looking, { ledger: world.genesis, did, now: NOW })),
    supply: async () => checked(getSupply, await findSupply(pool, ledgers[0]!)),
  }
}

test('a transfer is pending, then confirmed by a promise, then final', async () => {
  const world = new TokenWorld(GRANTS)
  const paid = world.pay(ADA, [{ to: BEN.did, amount: 4_000_000 }])
  const at = await open(world)
  await at.take(world.epochWrites[0]!, paid.record)
  expect(await at.transfer(paid)).toMatchObject({
    status: 'pending',
    amount: 4_000_000,
    consensus: { validatorNodes: [], consensusReached: false, final: false },
  })
  await at.take(paid.lock)
  expect(await at.transfer(paid)).toMatchObject({
    status: 'confirmed',
    consensus: { consensusReached: true, final: false },
  })
  expect((await at.balance(BEN.did)).currentBalance).toBe(0)
  await at.take(paid.apply)
  const { did, collection, rkey } = paid.apply
  expect(await at.transfer(paid)).toMatchObject({
    status: 'confirmed',
    consensus: {
      validatorNodes: world.signers.slice(0, 3).map((one) => one.did),
      consensusReached: true,
      validationTimestamp: TokenWorld.time(2),
      proof: `at://${did}/${collection}/${rkey}`,
      final: true,
    },
    confirmedAt: TokenWorld.time(2),
  })
  expect((await at.balance(BEN.did)).currentBalance).toBe(4_000_000)
})

test('a transfer that was refused says why, until a certificate is there', async () => {
  const world = new TokenWorld(GRANTS)
  const paid = world.pay(ADA, [{ to: BEN.did, amount: 4_000_000 }])
  const at = await open(world)
  await at.take(world.epochWrites[0]!, paid.record)
  const { did: account, rkey, cid } = paid.record
  const why = { reason: 'InsufficientFunds', detail: '3 of 4' }
  await keepRefusal(at.pool, { account, rkey, cid: cid!, ...why }, NOW)
  expect(await at.transfer(paid)).toMatchObject({ status: 'pending', refusal: why })
  await keepRefusal(at.pool, { account, rkey, cid: world.genesis, ...why }, NOW)
  expect(await at.transfer(paid)).not.toHaveProperty('refusal')
  await keepRefusal(at.pool, { account, rkey, cid: cid!, ...why }, NOW)
  await at.take(paid.apply)
  expect(await at.transfer(paid)).not.toHaveProperty('refusal')
})

test('a transfer fails when another has its number, or when its epoch ends without it', async () => {
  const world = new TokenWorld(GRANTS)
  const left = world.pay(ADA, [{ to: CEM.did, amount: 1 }])
  world.paid[0]!.pop()
  const fork = world.pay(ADA, [{ to: BEN.did, amount: 1 }], { seq: 1, prev: undefined } as never)
  const at = await open(world)
  await at.take(world.epochWrites[0]!, left.record, fork.lock)
  expect(await at.transfer(left)).toMatchObject({ status: 'failed', failure: 'NumberTaken' })
  const other = new TokenWorld(GRANTS)
  const late = other.pay(ADA, [{ to: CEM.did, amount: 1 }])
  other.paid[0]!.pop()
  other.end([])
  const there = await open(other)
  await there.take(other.epochWrites[0]!, late.record, late.lock)
  expect(await there.transfer(late)).toMatchObject({ status: 'confirmed' })
  await there.take(other.epochWrites[1]!)
  expect(await there.transfer(late)).toMatchObject({
    status: 'failed',
    failure: 'EpochClosed',
    consensus: { final: false },
  })
})

test('only who was paid reverses a transfer, by giving all of it back in one that names it', async () => {
  const world = new TokenWorld(GRANTS)
  const paid = world.pay(ADA, [
    { to: BEN.did, amount: 1_000 },
    { to: CEM.did, amount: 5, role: 'fee' },
  ])
  const ref = { uri: paid.uri, cid: paid.record.cid! }
  const at = await open(world)
  await at.take(world.epochWrites[0]!, paid.record, paid.apply)
  const part = world.pay(BEN, [{ to: ADA.did, amount: 400 }], { ref })
  await at.take(part.record, part.apply)
  expect(await at.transfer(paid)).toMatchObject({ status: 'confirmed', reversals: 1 })
  const whole = world.pay(BEN, [{ to: ADA.did, amount: 600 }], { ref })
  await at.take(whole.record)
  expect(await at.transfer(paid)).toMatchObject({ status: 'confirmed', reversals: 1 })
  await at.take(whole.apply)
  expect(await at.transfer(paid)).toMatchObject({
    status: 'reversed',
    reversals: 2,
    reversedBy: whole.uri,
    consensus: { final: true },
  })
  expect((await at.balance(ADA.did)).currentBalance).toBe(9_000_000 - 5)
})

test('a balance says where it came from, where it went, and what it was after each change', async () => {
  const world = new TokenWorld(GRANTS)
  const first = world.pay(POOL, [{ to: BEN.did, amount: 2_000_000 }], { kind: 'karma_reward' })
  const second = world.pay(BEN, [{ to: ADA.did, amount: 500_000 }])
  world.end([])
  const at = await open(world)
  const paid = [first, second].flatMap(({ record, apply }) => [record, apply])
  await at.take(...world.epochWrites, ...paid)
  const ben = await at.balance(BEN.did)
  expect(ben).toMatchObject({
    code: 'AT',
    currentBalance: 1_500_000,
    balanceBreakdown: { karmaRewards: 2_000_000, peerRecognition: 0, systemGrants: 0 },
    transactionSummary: {
      totalEarned: 2_000_000,
      totalSpent: 500_000,
      totalBurned: 0,
      transactionCount: 2,
    },
    governance: {},
    reputation: { humanWorthScore: 0, contributionLevel: 'newcomer', trustRating: 67 },
    security: {
      lastVerified: NOW.toISOString(),
      verificationHash: verificationHash(nativeCrypto.sha256, {
        user: BEN.did,
        balance: 1_500_000n,
        last: second.read.id,
        count: 2,
      }),
      anomalyFlags: ['reward_without_witness'],
    },
  })
  const changes = ben.balanceHistory.map((one) => [one.changeReason, one.changeAmount, one.balance])
  expect(changes).toEqual([
    ['peer_recognition', -500_000, 1_500_000],
    ['karma_reward', 2_000_000, 2_000_000],
  ])
  const ada = await at.balance(ADA.did)
  expect(ada.balanceBreakdown).toMatchObject({ systemGrants: 9_000_000, peerRecognition: 500_000 })
  const pool = await at.balance(POOL.did)
  expect(pool.currentBalance).toBe(0)
  expect(pool.balanceHistory[0]).toMatchObject({ changeReason: 'burn', changeAmount: -3_000_000 })
  expect(pool.transactionSummary).toMatchObject({ totalBurned: 3_000_000, totalEarned: 5_000_000 })
})

test('the supply is what was granted less what burned, and says whether all of it is verified', async () => {
  const world = new TokenWorld(GRANTS)
  const paid = world.pay(ADA, [{ to: BEN.did, amount: 1 }])
  world.end([{ kind: 'node_reward', amount: 7, to: CEM.did }])
  const at = await open(world)
  await at.take(...world.epochWrites, paid.record)
  expect(await at.supply()).toMatchObject({ complete: false, verifiedEpochs: 0, epoch: 1 })
  await at.take(paid.apply)
  expect(await at.supply()).toMatchObject({
    code: 'AT',
    governance: GOVERNANCE,
    granted: 14_000_007,
    burned: 5_000_000,
    balances: 9_000_007,
    accounts: 4,
    transfers: 1,
    verifiedEpochs: 1,
    complete: true,
  })
  expect((await at.balance(CEM.did)).balanceBreakdown.nodeRewards).toBe(7)
})

test('transfers are listed by account, direction and status, page by page', async () => {
  const world = new TokenWorld(GRANTS)
  const all = [
    world.pay(ADA, [{ to: BEN.did, amount: 10 }]),
    world.pay(ADA, [{ to: CEM.did, amount: 10 }]),
    world.pay(BEN, [{ to: ADA.did, amount: 1 }]),
  ]
  const at = await open(world)
  const [first, second, third] = all as [Paid, Paid, Paid]
  await at.take(world.epochWrites[0]!, ...all.map(({ record }) => record), first.apply, third.apply)
  const uris = async (asked: Parameters<typeof listTransfers>[1]) =>
    (await at.transfers(asked)).items.map(({ uri }) => uri)
  expect((await uris({})).toSorted()).toEqual(all.map(({ uri }) => uri).toSorted())
  expect(await uris({ account: CEM.did })).toEqual([])
  expect(await uris({ account: BEN.did, direction: 'received' })).toEqual([first.uri])
  expect(await uris({ account: BEN.did, direction: 'sent' })).toEqual([third.uri])
  expect(await uris({ status: 'pending' })).toEqual([second.uri])
  expect(await uris({ kind: 'justice_fund' })).toEqual([])
  const seen: string[] = []
  for (let cursor: string | undefined; ;) {
    const page = await at.transfers({ limit: 1, ...(cursor && { cursor }) })
    seen.push(...page.items.map(({ uri }) => uri))
    if (!page.cursor) break
    cursor = page.cursor
  }
  expect(new Set(seen).size).toBe(3)
  await expect(at.transfers({ cursor: 'x' })).rejects.toMatchObject({ error: 'InvalidCursor' })
})

test('a ledger has to be named where several are followed, and one that is not is unknown', () => {
  const [a, b] = ['one', 'two'].map((genesis) => ({ genesis, governance: GOVERNANCE }))
  expect(ledgerAsked([a!], undefined)).toBe(a)
  expect(ledgerAsked([a!, b!], 'two')).toBe(b)
  for (const [ledgers, asked] of [
    [[], undefined],
    [[a!, b!], undefined],
    [[a!], 'two'],
  ] as const)
    expect(() => ledgerAsked(ledgers, asked)).toThrow(
      expect.objectContaining({ error: 'LedgerUnknown' }) as Error,
    )
})

test('what looks odd about an account is flagged: haste, circles, and two transfers of one number', async () => {
  const world = new TokenWorld(GRANTS)
  const at = await open(world)
  const paid = [
    world.pay(ADA, [{ to: BEN.did, amount: 30 }]),
    world.pay(BEN, [{ to: CEM.did, amount: 20 }]),
    world.pay(CEM, [{ to: ADA.did, amount: 10 }]),
    ...Array.from({ length: 20 }, () => world.pay(ADA, [{ to: BEN.did, amount: 1 }])),
  ]
  await at.take(world.epochWrites[0]!, ...paid.flatMap(({ record, apply }) => [record, apply]))
  const flags = async (did: string) => (await at.balance(did)).security.anomalyFlags
  expect(await flags(ADA.did)).toEqual(['high_frequency', 'circular_flow'])
  expect(await flags(CEM.did)).toEqual(['circular_flow'])
  const one = world.pay(BEN, [{ to: CEM.did, amount: 1 }])
  world.paid[0]!.pop()
  const two = world.pay(BEN, [{ to: ADA.did, amount: 1 }], {
    seq: one.read.transfer.seq,
    prev: one.read.transfer.prev!,
  })
  const evidence = {
    $type: EVIDENCE,
    ledger: world.genesis,
    epoch: 0,
    account: BEN.did,
    seq: one.read.transfer.seq,
    transfers: [one, two].map(({ record }) => toBytes(record.bytes!)),
    createdAt: TokenWorld.time(0),
  }
  await at.take(world.write(CEM.did, EVIDENCE, '3m6bkl2222222', evidence))
  expect(await flags(BEN.did)).toEqual(['equivocation', 'circular_flow'])
})
