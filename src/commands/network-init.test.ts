import { expect, test } from 'vitest'
import { GOVERNANCE, didOf, payer } from '../../test/tokens/town.ts'
import type { ValidatorEntry } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import type { Choices } from '../tokens/worth/epoch-choices.ts'
import { firstEpoch } from './network-init.ts'

const validators = ['val', 'vbl', 'vcl', 'vdl'].map((name): ValidatorEntry => {
  const { did, signer } = payer(name)
  return { did, key: signer.didKey, endpoint: 'https://node.example.org' }
})
const found = (choices: Choices, more: object = {}) =>
  firstEpoch({ code: 'AT', governance: GOVERNANCE, validators, ...more }, choices)
const ADA = didOf('ada')

test('a first epoch grants what was decided, by the common params but for those that were decided', () => {
  const made = found({ gifts: [{ to: ADA, amount: 5 }], params: { holdHours: 24 } })
  if (isRefusal(made)) throw new Error(made.detail)
  expect(made.epoch).toMatchObject({
    epoch: 0,
    quorum: 3,
    grants: [{ kind: 'system_grant', to: ADA, amount: 5 }],
    params: { holdHours: 24, noAngelKeyLimit: 10_000_000 },
  })
})

test.each<[string, Choices, object, string]>([
  ['with more than its total', { total: 4, gifts: [{ to: ADA, amount: 5 }] }, {}, 'BadGrant'],
  ['that pays nodes for what was not yet', { nodeRewards: { amount: 1 } }, {}, 'BadGrant'],
  ['that counts persons', { persons: { seeds: [ADA] } }, {}, 'WrongPersonhood'],
  [
    'with a budget that whoever has the key may spend',
    { pools: [{ kind: 'karma_reward', amount: 5, pool: ADA }] },
    {},
    'BadGrant',
  ],
  ['without validators', {}, { validators: [] }, 'Malformed'],
  ['with a validator twice', {}, { validators: [...validators, validators[0]] }, 'BadCommittee'],
  ['of a code in small letters', {}, { code: 'at' }, 'Malformed'],
])('no ledger begins with an epoch %s', (_, choices, more, reason) => {
  expect(found(choices, more)).toMatchObject({ ok: false, reason })
})
