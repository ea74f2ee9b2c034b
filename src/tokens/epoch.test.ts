import { expect, test } from 'vitest'
import { didOf, firstEpoch, payer } from '../../test/tokens/town.ts'
import { nextEpoch, signedBy } from '../../test/tokens/chain.ts'
import { signerFromPrivateKey } from '../crypto/ecdsa.ts'
import { nativeCrypto } from '../crypto/native.ts'
import { encodeRecord } from './encoding.ts'
import { type Epoch, type ReadEpoch, readEpoch, walkEpochs } from './epoch.ts'
import { isRefusal } from './refusal.ts'

const WHO = ['val', 'vbl', 'vcl', 'vdl'].map(payer)
const validators = WHO.map(({ did, signer }) => ({ did, key: signer.didKey }))
const K256 = signerFromPrivateKey(Buffer.alloc(32, 7))
const FIRST = firstEpoch(validators, [{ kind: 'system_grant', amount: 5, to: didOf('ada') }])
const read = (epoch: Epoch) => readEpoch(nativeCrypto, encodeRecord(epoch))
function good(epoch: Epoch): ReadEpoch {
  const found = read(epoch)
  if (isRefusal(found)) throw new Error(`${found.reason}: ${found.detail}`)
  return found
}
const genesis = good(FIRST)
const next = nextEpoch(genesis, WHO.slice(0, 3))

test('an accepted epoch re-encodes to the bytes it came in, and signatures are no part of its id', () => {
  expect(encodeRecord(genesis.epoch)).toEqual(encodeRecord(FIRST))
  expect(good(next).id).toBe(good({ ...next, signatures: [] }).id)
})

const unsound: [string, Partial<Epoch>, string][] = [
  ['with a lower quorum', { quorum: 2 }, 'BadQuorum'],
  ['with a higher quorum', { quorum: 4 }, 'BadQuorum'],
  ['with no validators', { validators: [] }, 'Malformed'],
  [
    'with a validator twice',
    { validators: FIRST.validators.with(1, FIRST.validators[0]!) },
    'BadCommittee',
  ],
  [
    'with a key twice',
    {
      validators: FIRST.validators.with(1, {
        ...FIRST.validators[1]!,
        key: FIRST.validators[0]!.key,
      }),
    },
    'BadCommittee',
  ],
  [
    'with a key of another curve',
    { validators: FIRST.validators.with(1, { ...FIRST.validators[1]!, key: K256.didKey }) },
    'BadCommittee',
  ],
  [
    'with a key that is cut',
    {
      validators: FIRST.validators.with(1, {
        ...FIRST.validators[1]!,
        key: FIRST.validators[1]!.key.slice(0, -1),
      }),
    },
    'BadCommittee',
  ],
  ['that grants more than the cap', { supplyCap: 4 }, 'OverSupplyCap'],
  ['of another scale', { scale: 2 }, 'Malformed'],
  ['that is the first and has one before it', { prev: genesis.id }, 'BrokenEpochChain'],
  ['that is not the first and has none before it', { epoch: 1 }, 'BrokenEpochChain'],
  [
    'with a policy that makes no whole',
    {
      params: {
        ...FIRST.params,
        splits: [{ name: 'x', legs: [{ role: 'a', basisPoints: 9_999 }], residual: 'a' }],
      },
    },
    'BadSplit',
  ],
  ['with a field nobody knows', { note: 1 } as never, 'Malformed'],
]
for (const [name, more, reason] of unsound) {
  test(`refused: an epoch ${name}`, () => {
    expect(read({ ...FIRST, ...more })).toMatchObject({ ok: false, reason })
  })
}

test('a chain of signed epochs is walked from the pinned first one', () => {
  const second = good(next)
  const third = good(nextEpoch(second, WHO.slice(1)))
  const chain = [genesis, second, third]
  expect(walkEpochs(nativeCrypto, genesis.id, chain)).toHaveLength(3)
  const other = walkEpochs(nativeCrypto, second.id, chain)
  expect(other).toMatchObject({ reason: 'WrongGenesis' })
  expect(walkEpochs(nativeCrypto, genesis.id, [])).toMatchObject({ reason: 'EpochUnknown' })
  const skipped = walkEpochs(nativeCrypto, genesis.id, [genesis, third])
  expect(skipped).toMatchObject({ reason: 'BrokenEpochChain' })
  const tail = walkEpochs(nativeCrypto, genesis.id, [second, third])
  expect(tail).toMatchObject({ reason: 'WrongGenesis' })
})

const walk = (epoch: Epoch) => walkEpochs(nativeCrypto, genesis.id, [genesis, good(epoch)])

test('no committee brings in itself: only a quorum of the one before counts', () => {
  const bare = { ...next, signatures: [] }
  expect(walk(bare)).toMatchObject({ reason: 'HandoverNotSigned' })
  const few = signedBy(bare, WHO.slice(0, 2))
  expect(walk(few)).toMatchObject({ reason: 'HandoverNotSigned' })
  const twice = { ...few, signatures: [...few.signatures, few.signatures[0]!] }
  expect(walk(twice)).toMatchObject({ reason: 'DuplicateSigner' })
  const stranger = signedBy(bare, [...WHO.slice(0, 3), payer('stranger')])
  expect(walk(stranger)).toMatchObject({ reason: 'UnknownSigner' })
  const forged = { ...next, createdAt: '2026-11-29T12:00:00.000Z' }
  expect(walk(forged)).toMatchObject({ reason: 'BadSignature' })
  // A committee that only the new epoch names.
  const coup = ['wal', 'wbl', 'wcl', 'wdl'].map(payer)
  const named = coup.map(({ did, signer }) => ({
    did,
    key: signer.didKey,
    endpoint: 'http://localhost:1',
  }))
  const own = signedBy({ ...bare, validators: named }, coup.slice(0, 3))
  expect(walk(own)).toMatchObject({ reason: 'UnknownSigner' })
})

test('what a ledger is stays the same over all its epochs', () => {
  const change = (more: Partial<Epoch>) => walk(signedBy({ ...next, ...more }, WHO.slice(0, 3)))
  for (const more of [{ code: 'BT' }, { supplyCap: 500 }, { governance: didOf('eve') }]) {
    expect(change(more)).toMatchObject({ reason: 'BrokenEpochChain' })
  }
  expect(change({ ledger: good(next).id })).toMatchObject({ reason: 'WrongLedger' })
  expect(change({ epoch: 2 })).toMatchObject({ reason: 'BrokenEpochChain' })
})
