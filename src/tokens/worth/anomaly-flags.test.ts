import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AccountHistory, type SeenTransfer, anomalyFlags } from './anomaly-flags.ts'

const NOON = Date.parse('2026-11-28T12:00:00.000Z')
const MINUTE = 60_000
const at = (minutes: number) => new Date(NOON + minutes * MINUTE).toISOString()

let made = 0
function transfer(more: Partial<SeenTransfer> & { to?: string; amount?: bigint } = {}) {
  made += 1
  const { to = 'ben', amount = 5n, ...rest } = more
  const one: SeenTransfer = {
    id: `t${made}`,
    from: 'ada',
    epoch: 0,
    seq: 1,
    kind: 'peer_recognition',
    at: at(0),
    isCertified: true,
    credits: [{ to, amount }],
    witnesses: 0,
    ...rest,
  }
  return one
}
const flags = (transfers: readonly SeenTransfer[], more: Partial<AccountHistory> = {}) =>
  anomalyFlags({ account: 'ada', transfers, now: NOON, ...more })

test('an ordinary account has no flags, nor has one that did nothing', () => {
  expect(flags([])).toEqual([])
  expect(flags([transfer(), transfer({ seq: 2 }), transfer({ from: 'ben', to: 'ada' })])).toEqual(
    [],
  )
})

test('a transfer to oneself is flagged, and one that others made is not', () => {
  expect(flags([transfer({ to: 'ada' })])).toEqual(['self_transfer'])
  expect(flags([transfer({ from: 'ben', to: 'ben', seq: 9 })])).toEqual([])
})

test('a number left out is flagged, behind what was known before', () => {
  expect(flags([transfer({ seq: 2 })])).toEqual(['seq_gap'])
  expect(flags([transfer({ seq: 1 }), transfer({ seq: 3 })])).toEqual(['seq_gap'])
  expect(flags([transfer({ seq: 8 }), transfer({ seq: 7 })], { seqBefore: 6 })).toEqual([])
  expect(flags([transfer({ seq: 8 })], { seqBefore: 6 })).toEqual(['seq_gap'])
  expect(flags([transfer({ seq: 3 })], { seqBefore: 6 })).toEqual([])
})

test('two transfers of one number in an epoch are flagged, one that comes twice is not', () => {
  const one = transfer()
  expect(flags([one, transfer()])).toEqual(['equivocation'])
  expect(flags([one, transfer({ isCertified: false })])).toEqual(['equivocation'])
  expect(flags([one, one])).toEqual([])
  expect(flags([one, transfer({ epoch: 1 })])).toEqual([])
})

test('the twenty-first transfer in an hour is flagged, wherever the hour begins', () => {
  const sent = (count: number, every: number) =>
    Array.from({ length: count }, (_, n) => transfer({ seq: n + 1, at: at(1_000 + n * every) }))
  expect(flags(sent(21, 2.99))).toEqual(['high_frequency'])
  expect(flags(sent(20, 1))).toEqual([])
  expect(flags(sent(100, 3))).toEqual([])
  expect(flags(sent(100, 3).toReversed())).toEqual([])
  expect(flags(sent(21, 1).toReversed())).toEqual(['high_frequency'])
  expect(flags(sent(30, 1).map((one) => ({ ...one, from: 'ben', credits: [] })))).toEqual([])
})

test('more than half of a balance to an account younger than a week is flagged', () => {
  const born = (daysAgo: number) => new Map([['ben', at(-daysAgo * 24 * 60)]])
  const sent = [transfer({ amount: 51n, balanceBefore: 100n })]
  expect(flags(sent, { bornAt: born(6.99) })).toEqual(['large_to_new_account'])
  expect(flags(sent, { bornAt: born(7) })).toEqual([])
  expect(flags(sent)).toEqual([])
  const half = [transfer({ amount: 50n, balanceBefore: 100n })]
  expect(flags(half, { bornAt: born(1) })).toEqual([])
  expect(flags([transfer({ amount: 51n })], { bornAt: born(1) })).toEqual([])
  const fee = [transfer({ credits: [{ to: 'ben', amount: 9n, role: 'fee' }], balanceBefore: 9n })]
  expect(flags(fee, { bornAt: born(1) })).toEqual([])
})

test('three who paid each other in turn within a day are flagged, if it is certified', () => {
  const day = 24 * 60
  const around = [transfer({ from: 'ben', to: 'cy', at: at(5) })]
  const closing = (minutes: number) => transfer({ from: 'cy', to: 'ada', at: at(minutes) })
  expect(flags([transfer(), closing(day)], { around })).toEqual(['circular_flow'])
  expect(flags([transfer(), closing(day + 1)], { around })).toEqual([])
  expect(flags([transfer(), closing(day)])).toEqual([])
  const only = { around: around.map((one) => ({ ...one, isCertified: false })) }
  expect(flags([transfer(), closing(day)], only)).toEqual([])
  const fee = transfer({ from: 'cy', credits: [{ to: 'ada', amount: 1n, role: 'fee' }], at: at(9) })
  expect(flags([transfer(), fee], { around })).toEqual([])
})

test('a reward for karma without its witnesses is flagged, given or got', () => {
  const reward = transfer({ kind: 'karma_reward', from: 'pool', to: 'ada' })
  expect(flags([reward])).toEqual(['reward_without_witness'])
  expect(flags([{ ...reward, witnesses: 1 }])).toEqual([])
  expect(flags([{ ...reward, witnesses: 2 }], { witnessesNeeded: 3 })).toEqual([
    'reward_without_witness',
  ])
  expect(flags([transfer({ kind: 'karma_reward' })])).toEqual(['reward_without_witness'])
})

test('a balance that certified transfers do not make is flagged', () => {
  const history = [
    transfer({ amount: 30n }),
    transfer({ from: 'ben', to: 'ada', amount: 7n }),
    transfer({ from: 'ben', to: 'ada', amount: 100n, seq: 2, isCertified: false }),
  ]
  const stated = (amount: bigint) => ({ balance: { opening: 50n, stated: amount } })
  expect(flags([...history, history[0]!], stated(27n))).toEqual([])
  const own = transfer({ to: 'ada', amount: 20n, seq: 2 })
  expect(flags([...history, own], stated(27n))).toEqual(['self_transfer'])
  expect(flags(history, stated(28n))).toEqual(['balance_mismatch'])
  expect(flags(history, stated(127n))).toEqual(['balance_mismatch'])
})

test('a provider that was paid and did not deliver is flagged', () => {
  const paid = { id: 'p', from: 'ben', to: 'ada', amount: 9n, fee: 0n, at: at(0) }
  const quote = { num: 1n, den: 1n, fee: 0n, minOut: 1n, expiresAt: at(1) }
  const exchanges = [{ paid, quote, deliverBy: NOON }]
  expect(flags([], { exchanges })).toEqual(['unmatched_exchange_leg'])
  const answer = { leg: 'delivered', from: 'ada', to: 'ben', answers: 'p', amount: 9n } as const
  expect(flags([], { exchanges, answers: [answer] })).toEqual([])
})

test('what has no readable time is left out of what time decides', () => {
  const sent = Array.from({ length: 40 }, (_, n) => transfer({ seq: n + 1, at: 'soon' }))
  expect(flags(sent)).toEqual([])
})

test('flags are in one order, each once, whatever the order of transfers', () => {
  const name = fc.constantFrom('ada', 'ben', 'cy')
  const seen = fc.record({
    from: name,
    to: name,
    seq: fc.integer({ min: 1, max: 4 }),
    at: fc.integer({ min: 0, max: 2_000 }).map(at),
    kind: fc.constantFrom('karma_reward' as const, 'peer_recognition' as const),
  })
  fc.assert(
    fc.property(fc.array(seen, { maxLength: 30 }), (all) => {
      const transfers = all.map((one) => transfer(one))
      const once = flags(transfers, { balance: { opening: 0n, stated: 0n } })
      const turned = [...transfers.toReversed(), ...transfers]
      expect(flags(turned, { balance: { opening: 0n, stated: 0n } })).toEqual(once)
      expect(once).toEqual([...new Set(once)])
    }),
  )
})

test('a hundred thousand transfers take no quadratic time', () => {
  const transfers = Array.from({ length: 100_000 }, (_, n) =>
    transfer({
      from: ['ada', 'ben', 'cy'][n % 3]!,
      to: ['cy', 'ada', 'ben'][n % 3]!,
      seq: Math.floor(n / 3) + 1,
      at: at(n * 10),
    }),
  )
  expect(flags(transfers)).toContain('circular_flow')
  const apart = transfers.map((one) => ({ ...one, credits: [{ to: 'dot', amount: 1n }] }))
  expect(flags(apart)).toEqual([])
}, 5_000)
