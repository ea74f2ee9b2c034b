import { toBytes } from '@atcute/cbor'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { cidOf } from '../../src/tokens/encoding.ts'
import {
  type Epoch,
  type Handover,
  type ReadEpoch,
  epochId,
  signEpoch,
} from '../../src/tokens/epoch.ts'
import type { Payer } from './town.ts'

/** How an epoch ended in which nothing was settled. */
export function emptyHandover(before: Pick<ReadEpoch, 'id'>, more: Partial<Handover> = {}) {
  const zero = toBytes(new Uint8Array(32))
  const seals = [{ validator: 'did:web:v.example', cid: cidOf(nativeCrypto, { of: before.id }) }]
  const roots = { stateRoot: zero, settledRoot: zero, settledCount: 0, supply: 0, burned: 0 }
  return { seals, ...roots, ...more }
}

/** The epoch after one, without grants, with the signatures of these. */
export function nextEpoch(
  before: Pick<ReadEpoch, 'epoch' | 'id'>,
  signers: readonly Payer[],
  more: Partial<Epoch> = {},
): Epoch {
  const content: Epoch = {
    ...before.epoch,
    ledger: before.epoch.ledger ?? before.id,
    epoch: before.epoch.epoch + 1,
    prev: before.id,
    grants: [],
    handover: emptyHandover(before),
    ...more,
  }
  return signedBy(content, signers)
}

/** The epoch with just these signatures. */
export function signedBy(epoch: Epoch, signers: readonly Payer[]): Epoch {
  const id = epochId(nativeCrypto, epoch)
  const signatures = signers.map(({ did, signer }) => signEpoch(signer, did, id))
  return { ...epoch, signatures }
}
