import fc from 'fast-check'
import { expect, test } from 'vitest'
import { didOf } from '../../../test/tokens/town.ts'
import { SUPPLY_CAP } from '../amount.ts'
import { faultsBorne, quorumOf } from '../quorum.ts'
import { nodeRewards } from './node-rewards.ts'

const names = ['ada', 'ben', 'cy', 'dot', 'eve', 'fay', 'gil', 'hal', 'ivo', 'joy'].map(didOf)

test('each has its part by the slots it took part in, and the rest burns', () => {
  const validators = [
    { did: names[1]!, reported: [50, 50, 50] },
    { did: names[0]!, reported: [100, 100, 100] },
    { did: names[2]!, reported: [0, 0, 0] },
  ]
  expect(nodeRewards({ validators, seals: 3, slots: 100, pool: 1_000n })).toEqual({
    rewards: [
      { to: names[0], amount: 333n },
      { to: names[1], amount: 166n },
    ],
    burned: 501n,
  })
})

test('the lower median of reports counts, missing ones are zeros, none exceeds all slots', () => {
  const amount = (reported: number[], seals: number) =>
    nodeRewards({ validators: [{ did: names[0]!, reported }], seals, slots: 10, pool: 10n })
      .rewards[0]?.amount
  expect(amount([9, 3, 5], 3)).toBe(5n)
  expect(amount([9, 3, 5, 7], 4)).toBe(5n)
  expect(amount([9, 5], 3)).toBe(5n)
  expect(amount([9], 3)).toBeUndefined()
  expect(amount([99, 99, 99], 3)).toBe(10n)
  expect(amount([-4, 7, 7], 3)).toBe(7n)
  expect(amount([Number.NaN, 2.5, 7], 3)).toBeUndefined()
})

test('no slots, no seals or no validators leave nothing but what burns', () => {
  const validators = [{ did: names[0]!, reported: [] }]
  expect(nodeRewards({ validators, seals: 0, slots: 5, pool: 7n })).toEqual({
    rewards: [],
    burned: 7n,
  })
  const some = [{ did: names[0]!, reported: [1] }]
  expect(nodeRewards({ validators: some, seals: 1, slots: 0, pool: 7n }).burned).toBe(7n)
  expect(nodeRewards({ validators: [], seals: 1, slots: 5, pool: 7n }).burned).toBe(7n)
})

test('counts below zero take nothing out of the pool, and add nothing to it', () => {
  const validators = [{ did: names[0]!, reported: [-4, -4, 7] }]
  const none = { rewards: [], burned: 7n }
  expect(nodeRewards({ validators, seals: 3, slots: 5, pool: 7n })).toEqual(none)
})

test('a validator twice or more reports than seals are a mistake', () => {
  const one = { did: names[0]!, reported: [1, 1] }
  const rest = { slots: 5, pool: 7n }
  expect(() => nodeRewards({ validators: [one, one], seals: 2, ...rest })).toThrow(RangeError)
  expect(() => nodeRewards({ validators: [one], seals: 1, ...rest })).toThrow(RangeError)
})

const counts = fc.integer({ min: -2, max: 120 })
const epochs = fc
  .record({ n: fc.integer({ min: 1, max: 10 }), slots: fc.integer({ min: 1, max: 100 }) })
  .chain(({ n, slots }) =>
    fc.record({
      slots: fc.constant(slots),
      seals: fc.constant(quorumOf(n)),
      pool: fc.bigInt({ min: 0n, max: SUPPLY_CAP }),
      validators: fc
        .array(fc.array(counts, { maxLength: quorumOf(n) }), { minLength: n, maxLength: n })
        .map((all) => all.map((reported, at) => ({ did: names[at]!, reported }))),
    }),
  )

test('rewards and what burns are the pool, and nobody has more than an equal part', () => {
  fc.assert(
    fc.property(epochs, (epoch) => {
      const { rewards, burned } = nodeRewards(epoch)
      const paid = rewards.reduce((all, { amount }) => all + amount, 0n)
      expect(paid + burned).toBe(epoch.pool)
      expect(burned).toBeGreaterThanOrEqual(0n)
      for (const { amount } of rewards) {
        expect(amount).toBeGreaterThan(0n)
        expect(amount).toBeLessThanOrEqual(epoch.pool / BigInt(epoch.validators.length))
      }
      const turned = epoch.validators.toReversed().map(({ did, reported }) => ({
        did,
        reported: reported.toReversed(),
      }))
      expect(nodeRewards({ ...epoch, validators: turned })).toEqual({ rewards, burned })
    }),
  )
})

test('those who may be faulty move no count out of what the honest ones have seen', () => {
  const size = fc.integer({ min: 1, max: 30 })
  fc.assert(
    fc.property(size, fc.infiniteStream(fc.integer({ min: 0, max: 100 })), (n, stream) => {
      const [q, f] = [quorumOf(n), faultsBorne(n)]
      const honest = Array.from({ length: q - f }, () => stream.next().value as number)
      const lies = Array.from({ length: f }, () => stream.next().value as number)
      const validators = [{ did: names[0]!, reported: [...lies, ...honest] }]
      const { burned } = nodeRewards({ validators, seals: q, slots: 100, pool: 100n })
      expect(Number(100n - burned)).toBeGreaterThanOrEqual(Math.min(...honest))
      expect(Number(100n - burned)).toBeLessThanOrEqual(Math.max(...honest))
    }),
  )
})
