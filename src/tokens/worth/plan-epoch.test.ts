import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyHandover, nextEpoch } from '../../../test/tokens/chain.ts'
import { NOON, didOf, firstEpoch, payer } from '../../../test/tokens/town.ts'
import { nativeCrypto as crypto } from '../../crypto/native.ts'
import { cidOfBytes, encodeRecord } from '../encoding.ts'
import { type Epoch, type ReadEpoch, committeeOf, readEpoch } from '../epoch.ts'
import { type Grant, checkGrants, grantedBy } from '../grants.ts'
import { isRefusal } from '../refusal.ts'
import { sealEpoch } from '../seal.ts'
import { type Choices, readChoices } from './epoch-choices.ts'
import { type EpochPlan, type PlanInput, planEpoch } from './plan-epoch.ts'

const VALIDATORS = ['vala', 'valb', 'valc', 'vald'].map(payer)
const good = (epoch: Epoch): ReadEpoch => {
  const read = readEpoch(crypto, encodeRecord(epoch))
  if (isRefusal(read)) throw new Error(read.detail)
  return read
}
const named = VALIDATORS.map(({ did, signer }) => ({ did, key: signer.didKey }))
const GIFT = { kind: 'system_grant', amount: 1_000, to: didOf('ada') } as const
const FIRST = good(firstEpoch(named, [GIFT], { supplyCap: 1_000_000 }))
/** What each validator has seen of the four, in hours; the fourth lies. */
const SEEN = [
  [10, 10, 5, 0],
  [10, 9, 5, 0],
  [10, 10, 4, 1],
  [0, 0, 99, 99],
]
const SEALS = VALIDATORS.map(({ did, signer }, by) =>
  sealEpoch(crypto, signer, {
    committee: committeeOf(FIRST),
    validator: did,
    transfers: [],
    participation: VALIDATORS.map((one, n) => ({ validator: one.did, slots: SEEN[by]![n]! })),
    now: NOON,
  }),
)
const naming = (seals: typeof SEALS) =>
  seals.map(({ seal, cid }) => ({ validator: seal.validator, cid }))
// Ten hours and a half, which eleven hours of the clock have part in.
const SECOND = good(
  nextEpoch(FIRST, VALIDATORS.slice(0, 3), {
    grants: [{ kind: 'karma_reward', amount: 500, pool: didOf('issuer') }],
    handover: emptyHandover(FIRST, { seals: naming(SEALS.slice(0, 3)), supply: 1_000 }),
    createdAt: '2026-11-28T22:30:00.000Z',
  }),
)
const WEN = payer('wen')
const XIA = payer('xia')
const KEYS = new Map([WEN, XIA].map(({ did, signer }) => [did, signer.didKey]))
const vouch = (from: string, to: string, more: object = {}) => ({
  did: didOf(from),
  to: didOf(to),
  createdAt: NOON,
  ...more,
})
const VOUCHES = [vouch('root', 'wen'), vouch('root', 'xia'), vouch('wen', 'ben')]
const PERSONS = { seeds: [didOf('root')] }
const KARMA: Grant = {
  kind: 'karma_reward',
  amount: 100_000,
  pool: didOf('issuer'),
  bucketCaps: [0, 10, 20, 30, 40, 50],
  witnesses: 2,
}
const RECOGNITION: Grant = {
  kind: 'peer_recognition',
  amount: 50_000,
  pool: didOf('thanks'),
  perRecipientCap: 5,
}
const APPROVERS = VALIDATORS.map(({ did, signer }) => ({ did, key: signer.didKey }))
const JUSTICE: Grant = {
  kind: 'justice_fund',
  amount: 20_000,
  pool: didOf('justice'),
  approvers: APPROVERS,
  approvals: 3,
}
const WHOLE: Choices = {
  pools: [KARMA, RECOGNITION, JUSTICE],
  gifts: [{ to: didOf('ben'), amount: 7 }],
  nodeRewards: { amount: 4_400 },
  persons: PERSONS,
}
const plan = (choices: Choices, more: Partial<PlanInput> = {}) =>
  planEpoch(crypto, {
    before: SECOND,
    sealed: { epoch: FIRST, seals: SEALS },
    choices,
    vouches: VOUCHES,
    keys: KEYS,
    now: Date.parse(NOON) + 1,
    ...more,
  })
function planned(choices: Choices, more: Partial<PlanInput> = {}): EpochPlan {
  const found = plan(choices, more)
  if (isRefusal(found)) throw new Error(`${found.reason}: ${found.detail}`)
  return found
}

test('a plan has budgets and gifts as decided, rewards of nodes by their seals, and the persons', () => {
  const { grants, params, personhood, told } = planned(WHOLE)
  const [a, b, c] = VALIDATORS.map(({ did }) => did)
  // A quarter of the pool for eleven hours; the median of three honest reports counts.
  expect(grants).toEqual([
    KARMA,
    RECOGNITION,
    JUSTICE,
    { kind: 'system_grant', to: didOf('ben'), amount: 7 },
    { kind: 'node_reward', to: a, amount: 1_000 },
    { kind: 'node_reward', to: b, amount: 1_000 },
    { kind: 'node_reward', to: c, amount: 500 },
  ])
  expect(params).toEqual(SECOND.epoch.params)
  expect(personhood!.record).toEqual({
    $type: 'co.kendev.tokens.personhood',
    ledger: FIRST.id,
    epoch: 2,
    persons: [
      { did: didOf('ben'), bucket: 3, cluster: didOf('wen') },
      { did: didOf('root'), bucket: 5, cluster: didOf('root') },
      { did: WEN.did, key: WEN.signer.didKey, bucket: 4, cluster: WEN.did },
      { did: XIA.did, key: XIA.signer.didKey, bucket: 4, cluster: XIA.did },
    ],
  })
  expect(personhood!.cid).toBe(cidOfBytes(crypto, encodeRecord(personhood!.record)))
  expect(told).toEqual({
    epoch: 2,
    granted: 172_507n,
    unearned: 1_900n,
    supplyMost: 174_007n,
    persons: 4,
    clusters: 2,
  })
})

test('the order of vouches and seals changes nothing', () => {
  const turned = planned(WHOLE, {
    vouches: VOUCHES.toReversed(),
    sealed: { epoch: FIRST, seals: SEALS.toReversed() },
  })
  expect(turned).toEqual(planned(WHOLE))
})

test('only the seals that the epoch names count, so that all who repeat the plan find the same', () => {
  const without = SEALS.slice(0, 3)
  expect(planned(WHOLE, { sealed: { epoch: FIRST, seals: without } })).toEqual(planned(WHOLE))
  const few = { epoch: FIRST, seals: SEALS.slice(1) }
  expect(plan(WHOLE, { sealed: few })).toMatchObject({ reason: 'WrongSeal' })
  expect(plan(WHOLE, { sealed: { epoch: SECOND, seals: SEALS } })).toMatchObject({
    reason: 'WrongSeal',
  })
  const { sealed: _, ...bare } = { before: SECOND, choices: WHOLE, vouches: VOUCHES, now: 0 } as {
    sealed?: never
  } & PlanInput
  expect(planEpoch(crypto, bare)).toMatchObject({ ok: false })
  // What somebody has sealed besides is not what the quorum has signed.
  const [first] = SEALS
  const other = { ...first!, seal: { ...first!.seal, participation: [] }, cid: FIRST.id }
  const more = { epoch: FIRST, seals: [other, ...SEALS] }
  expect(planned(WHOLE, { sealed: more })).toEqual(planned(WHOLE))
  // Before the first epoch has ended nobody has earned anything.
  expect(plan(WHOLE, { before: FIRST })).toMatchObject({ reason: 'HandoverMissing' })
})

test('a seal that names a validator twice counts once, and breaks nothing', () => {
  const [first, second, third] = SEALS
  const { did } = VALIDATORS[3]!
  const twice = [...first!.seal.participation, { validator: did, slots: 11 }]
  const seal = { ...first!.seal, participation: twice }
  const sealed = { epoch: FIRST, seals: [{ seal, cid: first!.cid }, second!, third!] }
  expect(planned(WHOLE, { sealed })).toEqual(planned(WHOLE))
})

test('governance may count fewer hours than there were, and nobody has more than an equal part', () => {
  const { grants, told } = planned({ nodeRewards: { amount: 4_400, slots: 5 } })
  expect(grants.map(({ amount }) => amount)).toEqual([1_100, 1_100, 1_100])
  expect(told.unearned).toBe(1_100n)
})

test('vouches count within their budget, in their time, and for this ledger', () => {
  const choices = { persons: { ...PERSONS, vouches: { most: 1, days: 1, daysMost: 2 } } }
  const names = (more: Partial<PlanInput>, by: Choices = choices) =>
    planned(by, more).personhood!.record.persons.map(({ did }) => did)
  expect(names({})).toEqual(['ben', 'root', 'wen'].map(didOf))
  expect(names({ now: Date.parse(NOON) + 86_400_000 })).toEqual([didOf('root')])
  const foreign = [vouch('root', 'wen', { ledger: SECOND.id })]
  expect(names({ vouches: foreign })).toEqual([didOf('root')])
  const own = [vouch('root', 'wen', { ledger: FIRST.id })]
  expect(names({ vouches: own })).toEqual(['root', 'wen'].map(didOf))
})

test('a key that two persons have witnesses for neither', () => {
  const shared = new Map([WEN, XIA].map(({ did }) => [did, WEN.signer.didKey]))
  const { personhood } = planned({ persons: PERSONS }, { keys: shared })
  expect(personhood!.record.persons.filter(({ key }) => key !== undefined)).toEqual([])
  const refused = plan({ persons: PERSONS, pools: [KARMA] }, { keys: shared })
  expect(refused).toMatchObject({ reason: 'BadGrant' })
})

const bad: [string, Choices, string][] = [
  [
    'more witnesses than clusters',
    { pools: [{ ...KARMA, witnesses: 3 }], persons: PERSONS },
    'BadGrant',
  ],
  ['witnesses without persons', { pools: [KARMA] }, 'BadGrant'],
  [
    'one account with two budgets',
    { pools: [RECOGNITION, { ...JUSTICE, pool: RECOGNITION.pool! }] },
    'BadGrant',
  ],
  [
    'a fund with more approvals than approvers',
    { pools: [{ ...JUSTICE, approvals: 5 }] },
    'BadGrant',
  ],
  [
    'a gift to a pool',
    { pools: [RECOGNITION], gifts: [{ to: RECOGNITION.pool!, amount: 1 }] },
    'BadGrant',
  ],
  ['more than its total', { ...WHOLE, total: 174_406 }, 'BadGrant'],
  [
    'more than the supply cap leaves',
    { gifts: [{ to: didOf('ben'), amount: 998_501 }] },
    'OverSupplyCap',
  ],
  ['params there are not', { params: { hold: 1 } as never }, 'Malformed'],
  ['params beyond their bounds', { params: { feeBasisPoints: 1_001 } }, 'Malformed'],
]
test.each(bad)('refused: a plan with %s', (_, choices, reason) => {
  expect(plan(choices)).toMatchObject({ ok: false, reason })
})

test('params stay as they were but for what is decided, and the account of fees can go', () => {
  const before = (feeAccount: string) => {
    const params = { ...SECOND.epoch.params, feeAccount }
    return good({ ...SECOND.epoch, params })
  }
  const fees = didOf('fees')
  const kept = planned({ params: { holdHours: 1 } }, { before: before(fees) }).params
  expect(kept).toEqual({ ...SECOND.epoch.params, feeAccount: fees, holdHours: 1 })
  const gone = planned({ params: { feeAccount: null } }, { before: before(fees) }).params
  expect(gone).toEqual(SECOND.epoch.params)
})

test('what is planned to the last micro-token of the cap or the total is no refusal', () => {
  expect(planned({ ...WHOLE, total: 174_407 }).told.granted).toBe(172_507n)
  const { told } = planned({ gifts: [{ to: didOf('ben'), amount: 998_500 }] })
  expect(told.supplyMost).toBe(1_000_000n)
})

test('whatever is decided, a plan fits the next epoch, and grants and burns make its budget', () => {
  const micro = fc.integer({ min: 1, max: 400_000 })
  const choices = fc.record(
    {
      pools: fc.constantFrom([], [KARMA], [RECOGNITION, JUSTICE], [KARMA, JUSTICE]),
      gifts: fc.array(fc.record({ to: fc.constantFrom(didOf('ben'), didOf('cy')), amount: micro })),
      nodeRewards: fc.record({ amount: micro, slots: fc.integer({ min: 1, max: 20 }) }),
      persons: fc.constant(PERSONS),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(choices, (decided) => {
      expect(readChoices(decided)).toMatchObject({ ok: true })
      const found = plan(decided)
      if (isRefusal(found)) return
      const { grants, params, personhood, told } = found
      const budget =
        grantedBy(decided.pools ?? []) +
        (decided.gifts ?? []).reduce((all, { amount }) => all + BigInt(amount), 0n) +
        BigInt(decided.nodeRewards?.amount ?? 0)
      expect(told.granted + told.unearned).toBe(budget)
      expect(checkGrants(grants)).toBeUndefined()
      const epoch = nextEpoch(SECOND, VALIDATORS.slice(0, 3), {
        grants,
        params,
        ...(personhood && { personhood: personhood.cid }),
        handover: emptyHandover(SECOND, { supply: 1_500 }),
      })
      expect(good(epoch).epoch.grants).toEqual(grants)
    }),
  )
})
