import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { didOf, payer } from '../../../test/tokens/town.ts'
import type { Grant } from '../grants.ts'
import { isRefusal } from '../refusal.ts'
import { checkPool, readChoices } from './epoch-choices.ts'

const pool = didOf('pool')
const CAPS = { bucketCaps: [0, 1, 2, 3, 4, 5] }
const KARMA: Grant = { kind: 'karma_reward', amount: 100, pool, ...CAPS, witnesses: 2 }
const RECOGNITION: Grant = { kind: 'peer_recognition', amount: 5, pool, perRecipientCap: 1 }
const APPROVERS = [{ did: didOf('ann'), key: payer('ann').signer.didKey }]
const JUSTICE: Grant = { kind: 'justice_fund', amount: 9, pool, approvers: APPROVERS, approvals: 1 }

test.each([
  ['rewards with witnesses and caps', KARMA, 2],
  ['recognition with a cap and no persons', RECOGNITION, undefined],
  ['recognition by bucket', { ...RECOGNITION, ...CAPS }, 0],
  ['a fund with approvals', JUSTICE, undefined],
] as const)('a budget may be for %s', (_, grant, clusters) => {
  expect(checkPool(grant, clusters)).toBeUndefined()
})

const without = (grant: Grant, ...names: (keyof Grant)[]) =>
  Object.fromEntries(
    Object.entries(grant).filter(([name]) => !names.includes(name as never)),
  ) as Grant

test.each([
  ['rewards that nobody witnesses', without(KARMA, 'witnesses'), 9],
  ['rewards without a cap for a receiver', without(KARMA, 'bucketCaps'), 9],
  [
    'rewards of which a transfer alone is capped',
    { ...without(KARMA, 'bucketCaps'), perTransferCap: 5 },
    9,
  ],
  ['recognition without a cap', without(RECOGNITION, 'perRecipientCap'), 9],
  ['witnesses without persons', { ...RECOGNITION, witnesses: 1 }, undefined],
  ['caps by bucket without persons', { ...RECOGNITION, ...CAPS }, undefined],
  ['more witnesses than clusters', KARMA, 1],
  ['a fund that nobody approves of', without(JUSTICE, 'approvals'), 9],
  ['a fund with more approvals than a transfer holds', { ...JUSTICE, approvals: 16 }, 9],
  ['grants', { ...RECOGNITION, kind: 'system_grant' }, 9],
  ['the reward of nodes', { ...RECOGNITION, kind: 'node_reward' }, 9],
  ['exchange', { ...RECOGNITION, kind: 'cross_tenant_exchange' }, 9],
  ['no account', without(RECOGNITION, 'pool'), 9],
  ['somebody outright', { ...without(RECOGNITION, 'pool'), to: pool }, 9],
] as const)('refused: a budget for %s', (_, grant, clusters) => {
  expect(checkPool(grant as Grant, clusters)).toMatchObject({ reason: 'BadGrant' })
})

test.each([
  [{ pools: [{ kind: 'karma_reward', amount: 0, pool: didOf('x') }] }],
  [{ persons: { seeds: [] } }],
  [{ persons: { seeds: ['root'] } }],
  [{ persons: { seeds: [didOf('root')], capacities: [0] } }],
  [{ nodeRewards: { amount: 1.5 } }],
  [{ gift: [] }],
  ['pools'],
])('choices %j are of another form', (value) => {
  expect(readChoices(value)).toMatchObject({ reason: 'Malformed' })
})

test('choices say only what they decide', () => {
  const some = { pools: [KARMA], gifts: [{ to: didOf('ben'), amount: 1 }], total: 101 }
  expect(readChoices(some)).toEqual({ ok: true, choices: some })
  expect(readChoices({})).toEqual({ ok: true, choices: {} })
})

test('the choices that the documentation shows are read, and its pool is one', () => {
  const page = readFileSync('docs/tokens.md', 'utf8')
  const shown = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text]) => text!)
  const value: unknown = JSON.parse(shown.find((text) => text.includes('nodeRewards'))!)
  const read = readChoices(value)
  if (isRefusal(read)) throw new Error(read.detail)
  expect(checkPool(read.choices.pools![0]!, 2)).toBeUndefined()
})
