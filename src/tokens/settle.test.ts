import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openDesk } from '../../test/tokens/desk.ts'
import { didOf, firstEpoch, payer } from '../../test/tokens/town.ts'
import type { Grant } from './grants.ts'
import { isRefusal } from './refusal.ts'
import { type Outcome, openEpoch, settleEpoch } from './settle.ts'
import { stateRoot } from './state-root.ts'
import type { ReadTransfer } from './transfer.ts'

const PEOPLE = ['ada', 'ben', 'cleo', 'dora'].map(payer)
const POOL = payer('pool')
const GRANTS: Grant[] = [
  ...PEOPLE.slice(0, 2).map(({ did }) => ({ kind: 'system_grant' as const, amount: 500, to: did })),
  { kind: 'karma_reward', amount: 300, pool: POOL.did },
]
const params = { ...firstEpoch([], []).params, feeAccount: POOL.did }

/** A day of payments that all have been covered when they were made. */
async function someDay(payments: readonly (readonly [number, number, number])[]) {
  const desk = await openDesk(GRANTS, { params })
  const opening = new Map(desk.store.accounts)
  const made: ReadTransfer[] = []
  for (const [from, to, amount] of payments) {
    const payee = PEOPLE[to % PEOPLE.length]!
    const payer = from === 0 ? POOL : PEOPLE[from % PEOPLE.length]!
    const { balance = 0n } = desk.store.accounts.get(payer.did) ?? {}
    if (payer === payee || balance < BigInt(amount)) continue
    const kind = payer === POOL ? 'karma_reward' : 'peer_recognition'
    const fee = { to: POOL.did, amount: 1, role: 'fee' }
    const credits = [{ to: payee.did, amount: Math.max(amount - 1, 1) }]
    const legs = payer === POOL || amount < 2 ? credits : [...credits, fee]
    made.push(await desk.pay(payer, { kind, credits: legs }))
  }
  return { desk, opening, made }
}

const settled = (found: ReturnType<typeof settleEpoch>): Outcome => {
  if (isRefusal(found)) throw new Error(`${found.reason}: ${found.detail}`)
  return found
}
const day = fc.array(fc.tuple(fc.nat(4), fc.nat(3), fc.integer({ min: 1, max: 200 })), {
  maxLength: 25,
})

test('in whatever order certificates came, an epoch comes to the same', async () => {
  await fc.assert(
    fc.asyncProperty(day, fc.infiniteStream(fc.nat()), async (payments, random) => {
      const { desk, opening, made } = await someDay(payments)
      const mixed = made
        .map((read) => ({ read, at: random.next().value as number }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ read }) => read)
      const [one, two] = [made, mixed].map((list) =>
        settled(settleEpoch(desk.crypto, opening, GRANTS, list)),
      ) as [Outcome, Outcome]
      expect(two.roots).toEqual(one.roots)
      expect(two.settled).toEqual(one.settled)
      expect(one.supply).toBe(1_300n - one.burned)
      expect(one.supply).toBe([...one.accounts.values()].reduce((sum, a) => sum + a.balance, 0n))
      for (const { balance } of one.accounts.values()) expect(balance >= 0n).toBe(true)
      // What a validator has applied step by step is the same but for what burns in the end.
      const live = [...desk.store.accounts.values()].map((account) =>
        account.did === POOL.did ? { ...account, balance: account.balance - one.burned } : account,
      )
      expect(stateRoot(desk.crypto, live)).toEqual(stateRoot(desk.crypto, one.accounts.values()))
    }),
    { numRuns: 40 },
  )
})

test('what is left of a budget burns; fees and money from before do not', async () => {
  const ada = PEOPLE[0]!
  const desk = await openDesk(GRANTS, { params })
  const before = desk.store.accounts.get(POOL.did)!
  const opening = new Map(desk.store.accounts).set(POOL.did, { ...before, balance: 340n })
  const fee = { to: POOL.did, amount: 7, role: 'fee' }
  const made = [
    await desk.pay(ada, { credits: [{ to: didOf('ben'), amount: 10 }, fee] }),
    await desk.pay(POOL, { kind: 'karma_reward', credits: [{ to: didOf('ben'), amount: 100 }] }),
  ]
  const outcome = settled(settleEpoch(desk.crypto, opening, GRANTS, made))
  expect(outcome.burned).toBe(200n)
  expect(outcome.accounts.get(POOL.did)!.balance).toBe(47n)
  expect(outcome.supply).toBe(1_340n - 200n)
})

test('a gap, or a debit without its credit, cannot be settled', async () => {
  const { desk, opening, made } = await someDay([
    [4, 2, 90],
    [4, 2, 90],
  ])
  expect(made).toHaveLength(2)
  const gap = settleEpoch(desk.crypto, opening, GRANTS, made.slice(1))
  expect(gap).toMatchObject({ reason: 'GapInCertificates' })
  const cleo = await desk.pay(PEOPLE[2]!, { credits: [{ to: didOf('dora'), amount: 50 }] })
  const overdraft = settleEpoch(desk.crypto, opening, GRANTS, [cleo])
  expect(overdraft).toMatchObject({ reason: 'Overdraft' })
})

test('an epoch opens with what was left and what is granted, to pools and outright', () => {
  const opened = openEpoch([], GRANTS)
  expect([...opened.values()].map(({ balance }) => balance)).toEqual([500n, 500n, 300n])
  const again = openEpoch([...opened.values()], [GRANTS[0]!])
  expect(again.get(PEOPLE[0]!.did)).toMatchObject({ balance: 1_000n, spent: 0n })
})
