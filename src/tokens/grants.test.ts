import { expect, test } from 'vitest'
import { didOf, payer } from '../../test/tokens/town.ts'
import { type Grant, checkGrants, grantedBy, poolsOf } from './grants.ts'

const POOL: Grant = { kind: 'karma_reward', amount: 100, pool: didOf('pool') }
const GIFT: Grant = { kind: 'system_grant', amount: 7, to: didOf('ada') }
const approver = (name: string) => ({ did: didOf(name), key: payer(name).signer.didKey })
const [A, B] = [approver('a'), approver('b')]

test('what is granted is the sum of budgets and gifts, and only budgets are pools', () => {
  expect(checkGrants([POOL, GIFT])).toBeUndefined()
  expect(grantedBy([POOL, GIFT])).toBe(107n)
  expect([...poolsOf([POOL, GIFT]).keys()]).toEqual([POOL.pool])
})

const bad: [string, Grant[]][] = [
  ['to nobody', [{ kind: 'karma_reward', amount: 1 }]],
  ['to a pool and outright', [{ ...POOL, to: didOf('ada') }]],
  ['to one pool twice', [POOL, POOL]],
  ['outright to a pool', [POOL, { ...GIFT, to: POOL.pool! }]],
  ['with an approver twice', [{ ...POOL, approvers: [A, A], approvals: 1 }]],
  ['with two approvers of one key', [{ ...POOL, approvers: [A, { ...B, key: A.key }] }]],
  ['with more approvals than approvers', [{ ...POOL, approvers: [A], approvals: 2 }]],
  ['outright under a condition nobody would check', [{ ...GIFT, witnesses: 2 }]],
]
for (const [name, grants] of bad) {
  test(`refused: a grant ${name}`, () => {
    expect(checkGrants(grants)).toMatchObject({ reason: 'BadGrant' })
  })
}
