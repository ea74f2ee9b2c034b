import { toBytes } from '@atcute/cbor'
import { nativeCrypto as crypto } from '../../src/crypto/native.ts'
import { flipS } from '../../src/crypto/low-s.ts'
import { attestationBytes } from '../../src/tokens/attestation.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import { leafHash } from '../../src/tokens/merkle.ts'
import {
  type Fault,
  AMOUNT,
  BOTH,
  CLOSED,
  EVE,
  K256,
  OTHER,
  TO,
  about,
  attested,
  batched,
  bytes,
  bytesOf,
  certificate,
  chain,
  der,
  flipped,
  highHandover,
  inSecond,
  one,
  openEnd,
  partsOf,
  second,
  settled,
  signature,
  signed,
  transfer,
  two,
  withLegs,
} from './fault-makers.ts'
import { didOf } from './town.ts'
import {
  A,
  ADA,
  B,
  BEN,
  C,
  D,
  E,
  RECORDS,
  certify,
  entriesOf,
  subjectOf,
  vote,
} from './vector-world.ts'

const { FIRST, SECOND, THIRD, T1, T2, T3, LOST } = RECORDS

/** Proofs with one fault each. */
export const REFUSED: Readonly<Record<string, Fault>> = {
  // Signatures.
  'a bit of a signature': signature(flipped),
  'the last bit of a signature': signature((made) => flipped(made, 63)),
  'a high s': signature((made) => flipS('p256', made)),
  'a signature in DER': signature(der, 'Malformed'),
  'a signature of zeros': signature(() => new Uint8Array(64)),
  'a signature on the other curve': attested('open-apply', 'BadSignature', (by) => ({
    signature: toBytes(K256.sign(attestationBytes(crypto, about, by))),
  })),
  'another member’s signature': attested('open-apply', 'BadSignature', () => ({
    signature: partsOf('open-apply').attestations[1]!.signature,
  })),
  'another time': attested('open-apply', 'BadSignature', () => ({
    observedAt: '2026-11-28T11:00:00.000Z',
  })),
  'another key of the sender': attested('open-apply', 'BadSignature', () => ({
    senderKey: EVE.signer.didKey,
  })),
  'a bad signature beyond the quorum': certificate('open-apply', 'BadSignature', {
    attestations: [
      ...signed([A, B, C]),
      { ...vote(about, D), signature: vote(about, A).signature },
    ],
  }),
  // Signers.
  'one signer too few': certificate('open-apply', 'TooFewSigners', {
    attestations: signed([A, B]),
  }),
  'no signer': certificate('open-apply', 'Malformed', { attestations: [] }),
  'one signer twice': certificate('open-apply', 'DuplicateSigner', {
    attestations: [...signed([A, B]), vote(about, B)],
  }),
  'a stranger among the signers': certificate('open-apply', 'UnknownSigner', {
    attestations: [...signed([A, B, C]), vote(about, EVE)],
  }),
  'a signer who has left with the epoch before': certificate('second-epoch', 'UnknownSigner', {
    attestations: inSecond([A, B, C]),
  }),
  'a signer who comes with the next epoch': certificate('open-apply', 'UnknownSigner', {
    attestations: signed([B, C, E]),
  }),
  // What it is about.
  'another committee': certificate('open-apply', 'WrongCommittee', { committee: OTHER }),
  'another transfer': certificate('open-apply', 'WrongTransfer', { transfer: T2.id }),
  'another number': certificate('open-apply', 'WrongSeq', { seq: 2, prev: T1.id }),
  'another account': certificate('open-apply', 'WrongAccount', { account: BEN.did }),
  'the repo of somebody else': openEnd('WrongTransfer', { account: EVE.did }),
  'another ledger': certificate('open-apply', 'WrongLedger', { ledger: OTHER }),
  'an epoch that is not known': certificate('open-apply', 'EpochUnknown', { epoch: 7 }),
  'another epoch than the transfer’s': certificate('second-epoch', 'WrongEpoch', { epoch: 0 }),
  'another transfer before it': certificate('open-apply-batched', 'WrongPrev', { prev: T3.id }),
  'no transfer before it': certificate('open-lock', 'WrongPrev', { prev: T3.id }),
  'locks passed off as applied': certificate('open-lock', 'BadSignature', { phase: 'apply' }),
  'applied passed off as locks': certificate('open-apply', 'BadSignature', { phase: 'lock' }),
  'a phase there is not': certificate('open-apply', 'Malformed', { phase: 'final' }),
  'the certificate of another transfer': openEnd('WrongTransfer', {
    certificate: certify(T3, 'apply', [A, B, C]),
  }),
  'a field that nobody knows in the certificate': certificate('open-apply', 'Malformed', {
    note: 'hello',
  }),
  // The transfer.
  'another amount': transfer('WrongTransfer', withLegs([{ to: BEN.did, amount: 2_500_001 }])),
  'another receiver': transfer('WrongTransfer', withLegs([{ to: EVE.did, amount: 2_500_000 }])),
  'an amount of zero': transfer('BadAmount', withLegs([{ to: BEN.did, amount: 0 }])),
  'an amount below zero': transfer('BadAmount', withLegs([{ to: BEN.did, amount: -1 }])),
  'an amount over the supply': transfer(
    'BadAmount',
    withLegs([{ to: BEN.did, amount: 9_000_000_000_000_001 }]),
  ),
  'an amount in text': transfer('BadAmount', withLegs([{ to: BEN.did, amount: '5' }])),
  'a credit to oneself': transfer('SelfCredit', withLegs([{ to: ADA.did, amount: 5 }])),
  'one receiver twice': transfer('DuplicateCredit', {
    credits: [1, 2].map((amount) => ({ to: BEN.did, amount })),
  }),
  'nine receivers': transfer('Malformed', {
    credits: 'abcdefghi'.split('').map((name) => ({ to: didOf(name), amount: 1 })),
  }),
  'a first transfer with one before it': transfer('WrongPrev', { prev: T2.id }),
  'a field that nobody knows in the transfer': transfer('Malformed', { note: 'hello' }),
  'an instant there is not': transfer('Malformed', { createdAt: '2026-02-30T12:00:00.000Z' }),
  'a CID in another spelling': transfer('Malformed', { memo: `${T1.id.slice(0, 58)}b` }),
  'an account in another spelling': transfer('Malformed', {
    credits: [{ to: 'did:web:Example.com', amount: 1 }],
  }),
  'a float with the value of the amount': bytes(
    'NotCanonical',
    AMOUNT,
    '66616d6f756e74fb414312d000000000',
  ),
  'an integer longer than it need be': bytes('Malformed', '6373657101', '637365711801'),
  'a key twice': bytes('Malformed', 'a86373657101', 'a963736571016373657101'),
  'keys out of order': bytes('Malformed', `${TO}${AMOUNT}`, `${AMOUNT}${TO}`),
  'bytes behind the end': openEnd('Malformed', { transfer: Uint8Array.of(...T1.bytes, 0) }),
  'bytes cut off': openEnd('Malformed', { transfer: T1.bytes.slice(0, -1) }),
  'no bytes': openEnd('Malformed', { transfer: new Uint8Array() }),
  'a map in the place of bytes': transfer('Malformed', {
    signatures: [{ ...T1.transfer.signatures[0]!, signature: { $bytes: 'A'.repeat(86), x: 1 } }],
  }),
  // Batches.
  'another path': batched('BadBatchPath', ({ path }) => ({
    path: [toBytes(new Uint8Array(32)), ...path.slice(1)],
  })),
  'a path cut off': batched('BadBatchPath', ({ path }) => ({ path: path.slice(1) })),
  'another place in the batch': batched('BadBatchPath', () => ({ index: 3 })),
  'a place behind the batch': batched('BadBatchPath', () => ({ index: 5 })),
  'a batch of another size': batched('BadBatchPath', () => ({ count: 4 })),
  'a leaf passed off as the root': batched('BadBatchSignature', () => ({
    count: 1,
    index: 0,
    path: [],
    root: toBytes(
      leafHash(
        crypto,
        attestationBytes(crypto, subjectOf(T2, 'apply'), vote(subjectOf(T2, 'apply'), A)),
      ),
    ),
  })),
  'a node passed off as a leaf': batched('BadBatchPath', ({ path }) => ({
    count: 2,
    index: 0,
    path: path.slice(1, 2),
  })),
  'the path of another batch': attested('open-apply-batched', 'BadBatchPath', () => ({
    batch: partsOf('open-lock-batched').attestations[0]!.batch!,
  })),
  'the head of another number': batched('BadBatchSignature', () => ({ number: 2 })),
  'the head of another chain': batched('BadBatchSignature', () => ({ previous: OTHER })),
  'a batch passed off as a signature of its own': certificate(
    'open-apply-batched',
    'BadSignature',
    {
      attestations: partsOf('open-apply-batched').attestations.map(
        ({ batch: _, ...alone }) => alone,
      ),
    },
  ),
  // The chain of epochs.
  'another first epoch is pinned': { from: 'open-apply', reason: 'WrongGenesis', genesis: OTHER },
  'a first epoch of one’s own': openEnd('WrongGenesis', {
    epochs: [encodeRecord({ ...FIRST.epoch, code: 'BT' })],
  }),
  'no epoch': openEnd('EpochUnknown', { epochs: [] }),
  'a chain without its beginning': chain('WrongGenesis', bytesOf(SECOND)),
  'a chain without its end': chain('EpochUnknown', bytesOf(FIRST)),
  'an epoch left out': chain('BrokenEpochChain', bytesOf(FIRST), bytesOf(THIRD)),
  'an epoch twice': chain('BrokenEpochChain', ...BOTH, bytesOf(SECOND)),
  'a lower quorum': second('BadQuorum', [A, B, C], { quorum: 2 }),
  'a handover that nobody has signed': second('HandoverNotSigned', []),
  'a handover that one too few have signed': second('HandoverNotSigned', [A, B]),
  'a handover that one has signed twice': second('DuplicateSigner', [A, B, B]),
  'a handover that a stranger has signed': second('UnknownSigner', [A, B, C, EVE]),
  'a handover that the new validators have signed': second('UnknownSigner', [B, C, E]),
  'a handover changed behind the signatures': chain(
    'BadSignature',
    bytesOf(FIRST),
    encodeRecord({ ...SECOND.epoch, createdAt: '2026-11-29T00:00:00.000Z' }),
  ),
  'a handover with a high s': chain('BadSignature', bytesOf(FIRST), highHandover(SECOND)),
  'another code': second('BrokenEpochChain', [A, B, C], { code: 'BT' }),
  'a higher supply cap': second('BrokenEpochChain', [A, B, C], { supplyCap: 8e15 }),
  'another governance': second('BrokenEpochChain', [A, B, C], { governance: EVE.did }),
  'an epoch of another ledger': second('WrongLedger', [A, B, C], { ledger: OTHER }),
  'grants over the cap': second('OverSupplyCap', [A, B, C], {
    grants: [{ kind: 'system_grant', amount: 9e15, to: BEN.did }],
  }),
  'a pool that is given to outright': second('BadGrant', [A, B, C], {
    grants: [
      { kind: 'karma_reward', amount: 5, pool: BEN.did },
      { kind: 'system_grant', amount: 5, to: BEN.did },
    ],
  }),
  'a committee with one key twice': second('BadCommittee', [A, B, C], {
    validators: entriesOf([B, C, D, E]).map((entry, at) => ({
      ...entry,
      ...(at === 3 && { key: D.signer.didKey }),
      endpoint: 'http://localhost:2583',
    })),
  }),
  // Closed epochs.
  'a closed epoch without a way to its root': openEnd('NotSettled', { epochs: BOTH }),
  'another way to the root': settled('NotSettled', 'closed-apply', {
    ...one,
    path: [toBytes(new Uint8Array(32)), ...one.path.slice(1)],
  }),
  'another place under the root': settled('NotSettled', 'closed-apply', {
    ...one,
    index: two.index,
  }),
  'the way of another transfer': settled('NotSettled', 'closed-apply', two),
  'a transfer that was certified and never settled': {
    from: 'closed-apply',
    reason: 'NotSettled',
    set: {
      account: BEN.did,
      transfer: LOST.bytes,
      certificate: certify(LOST, 'apply', [A, B, C]),
      settled: CLOSED.settled!,
    },
  },
}
