import type { Credit } from '../../src/tokens/transfer.ts'
import { FIRST_REWARD, KARMA_POOL, rewardOf } from './pools.ts'
import { type Content, type World, didOf } from './world.ts'

type Draw = (funds: bigint, seq: number) => (() => Content) | undefined

/** Draws what a payer pays next, out of what it surely has. */
export function drawPayment(world: World, payer: string, payers: readonly string[]): Draw {
  const random = world.random(`payments of ${payer}`)
  const others = [...payers, didOf('shop'), didOf('friend'), didOf('mover')].filter(
    (did) => did !== payer,
  )
  return (funds) => {
    const most = funds < 150_000n ? Number(funds) : 150_000
    if (most < 10_000) return undefined
    const sum = random.between(5_000, most - 2_000)
    const fee: Credit = { to: didOf('fees'), amount: 1_000, role: 'fee' }
    const fees = random.chance(0.4) ? [fee] : []
    if (world.plan.has('splits') && random.chance(0.4)) {
      const maker = Math.floor((sum * 1_500) / 10_000)
      const [first, second] = random.shuffled(others)
      const legs = [
        { to: first!, amount: maker, role: 'maker' },
        { to: second!, amount: sum - maker, role: 'fund' },
      ]
      return () => ({ splitPolicy: 'work', credits: [...legs, ...fees] })
    }
    const receivers = random.shuffled(others).slice(0, random.between(1, 3))
    const share = Math.floor(sum / receivers.length)
    const credits = [...receivers.map((to) => ({ to, amount: share })), ...fees]
    if (world.plan.has('exchange') && random.chance(0.3)) {
      // Who takes it owes the other leg; that it never comes breaks nothing of the ledger.
      world.met(38)
      const cid = world.chain[0]!.read.id
      const quote = { uri: `at://${receivers[0]}/quote/1`, cid }
      const owed = fees.length > 0 ? credits : [...credits, fee]
      const exchange = { quote, leg: 'paid' } as const
      return () => ({ kind: 'cross_tenant_exchange', credits: owed, exchange })
    }
    return () => ({ credits })
  }
}

/** Draws the rewards of a pool, within its caps and with its witnesses. */
export function drawReward(world: World, people: readonly string[]): Draw {
  const random = world.random('rewards')
  const given = new Map<string, number>()
  return (_, seq) => {
    const to = seq === 1 ? people[0]! : random.pick(people)
    const amount = seq === 1 ? FIRST_REWARD : random.between(1_000, 15_000)
    const before = given.get(to) ?? 0
    if (before + amount > 100_000) return undefined
    given.set(to, before + amount)
    return () =>
      rewardOf(world, KARMA_POOL, { seq, credits: [{ to, amount }] }, [
        'witness one',
        'witness two',
      ])
  }
}
