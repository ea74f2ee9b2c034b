import { toBytes } from '@atcute/cbor'
import { expect, test } from 'vitest'
import { findBalance } from '../../src/appview/tokens/balance-view.ts'
import { createTokenBook } from '../../src/appview/tokens/keep-token-book.ts'
import type { Write } from '../../src/appview/index-record.ts'
import { co } from '../../src/lexicons/index.ts'
import type { Transfer } from '../../src/tokens/transfer.ts'
import { NOW, appViewDatabase } from '../appview-database.ts'
import { GOVERNANCE, payer } from './town.ts'
import { type Paid, TokenWorld } from './token-world.ts'

const [ADA, BEN, CEM, DEE, POOL] = ['ada', 'ben', 'cem', 'dee', 'pool'].map(payer) as [
  ReturnType<typeof payer>,
  ...ReturnType<typeof payer>[],
]
const TABLES = ['tokenEpoch', 'tokenJudgement', 'tokenContent', 'tokenPosting', 'tokenQuote']
const PERSONHOOD = co.kendev.tokens.personhood.$type

async function open(world: TokenWorld) {
  const { pool, write } = await appViewDatabase()
  for (const table of TABLES) await pool.query(`truncate node."${table}"`)
  const ledgers = [{ genesis: world.genesis, governance: GOVERNANCE }]
  const book = createTokenBook({ sql: pool, ledgers, clock: { now: () => NOW } })
  const looking = { sql: pool, origin: 'https://node.example' }
  return {
    pool,
    take: async (...writes: readonly Write[]) => {
      for (const one of writes) expect(await write(one)).toBe('indexed')
      await book.settle()
    },
    flags: async (did: string) =>
      (await findBalance(looking, { ledger: world.genesis, did, now: NOW })).security.anomalyFlags,
  }
}

test('witnesses of a reward are persons of the snapshot that its epoch pins, or nobody', async () => {
  const world = new TokenWorld([])
  const person = (did: string) => ({ did, key: CEM!.signer.didKey, bucket: 3, cluster: 'one' })
  const snapshot = {
    $type: PERSONHOOD,
    ledger: world.genesis,
    epoch: 1,
    persons: [person(CEM!.did)],
  }
  const persons = world.write(GOVERNANCE, PERSONHOOD, 'at.1', snapshot)
  const budget = { kind: 'karma_reward', amount: 9, pool: POOL!.did } as const
  world.end([budget], { personhood: persons.cid! })
  const reward = (to: string, witness: string): Paid => {
    const signature = toBytes(new Uint8Array(64))
    const evidence = [{ uri: `at://${to}/${co.kendev.tokens.memo.$type}/a`, cid: world.genesis }]
    const witnesses: Transfer['witnesses'] = [{ did: witness, signature }]
    const more = { kind: 'karma_reward', evidence, witnesses } as const
    return world.pay(POOL!, [{ to, amount: 1 }], more)
  }
  const paid = [reward(ADA.did, CEM!.did), reward(BEN!.did, DEE!.did)]
  const { take, flags } = await open(world)
  const written = paid.flatMap(({ record, apply }) => [record, apply])
  await take(...world.epochWrites, persons, ...written)
  expect(await flags(ADA.did)).toEqual([])
  expect(await flags(BEN!.did)).toEqual(['reward_without_witness'])
})

test('a balance that its transfers do not come to is flagged', async () => {
  const world = new TokenWorld([{ kind: 'system_grant', amount: 9_000, to: ADA.did }])
  const paid = [
    world.pay(ADA, [{ to: BEN!.did, amount: 4_000 }]),
    world.pay(BEN!, [{ to: CEM!.did, amount: 10 }]),
  ]
  const { take, flags, pool } = await open(world)
  await take(world.epochWrites[0]!, ...paid.flatMap(({ record, apply }) => [record, apply]))
  for (const { did } of [ADA, BEN!, CEM!]) expect(await flags(did)).toEqual([])
  await pool.query(
    `update node."tokenPosting" set amount = amount + 1 where account = $1 and amount > 0`,
    [BEN!.did],
  )
  expect(await flags(BEN!.did)).toEqual(['balance_mismatch'])
  expect(await flags(ADA.did)).toEqual([])
})
