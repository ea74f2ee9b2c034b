import { encode } from '@atcute/cbor'
import { Secp256k1Keypair } from '@atproto/crypto'
import { flipS } from '../../src/crypto/low-s.ts'
import { type RefusalReason } from '../../src/firehose/refusal.ts'
import { type Tampering, cidOf } from './fake-repo.ts'
import { firstOp, recordKey, tidOf } from './tampering.ts'

const OTHER = 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb'
const stranger = await Secp256k1Keypair.create()

/** A way in which a commit of one record can be false, and the name it is refused under. */
export type Lie = {
  what: string
  reason: RefusalReason
  /** the account has signed the commit all the same, or its host says that it is there */
  moved?: boolean
  tampering: () => Tampering
}

/** Lies about who has signed what, and about which records the tree holds. */
export const lies: Lie[] = [
  {
    what: 'is signed by another key',
    reason: 'BadSignature',
    tampering: () => ({ key: stranger }),
  },
  {
    what: 'has a signature with a high s',
    reason: 'BadSignature',
    tampering: () => ({ signature: (signature) => flipS('k256', signature) }),
  },
  {
    what: 'has a signature that is too short',
    reason: 'BadSignature',
    tampering: () => ({ signature: (signature) => signature.subarray(1) }),
  },
  {
    what: 'has a signature in DER',
    reason: 'BadSignature',
    tampering: () => ({ signature: derOf }),
  },
  {
    what: 'is changed after it was signed',
    reason: 'BadSignature',
    tampering: () => ({
      // One bit of the signature itself, which a hash over the new block would not show.
      signature: (signature) =>
        Uint8Array.from(signature, (byte, at) => (at === 5 ? byte ^ 1 : byte)),
    }),
  },
  {
    what: 'holds other bytes under the CID of its record',
    reason: 'BadBlockHash',
    tampering: () => ({
      parts: (parts) => {
        const cid = firstOp(parts).cid ?? cidOf(encode({}))
        parts.blocks.set(cid.$link, { cid, bytes: encode({ text: 'lie' }) })
      },
    }),
  },
  {
    what: 'lacks the block of its record',
    reason: 'MissingRecord',
    moved: true,
    tampering: () => ({ parts: (parts) => void parts.blocks.delete(recordKey(parts)) }),
  },
  {
    what: 'lacks a node of the tree',
    reason: 'MissingTreeNode',
    moved: true,
    tampering: () => ({ parts: (parts) => void parts.blocks.delete(parts.unsigned.data.$link) }),
  },
  {
    what: 'claims a record that the tree does not hold',
    reason: 'RecordNotInTree',
    moved: true,
    tampering: () => ({
      parts: (parts) => {
        const bytes = encode({ text: 'never written' })
        const cid = cidOf(bytes)
        parts.blocks.set(cid.$link, { cid, bytes })
        parts.ops[0] = { ...firstOp(parts), cid }
      },
    }),
  },
  {
    what: 'has an extra operation on a record that was never written',
    reason: 'RecordNotInTree',
    moved: true,
    tampering: () => ({
      parts: (parts) => {
        const { cid } = firstOp(parts)
        // A key beside the written one, so that the nodes on its way are at hand.
        parts.ops.push({ action: 'create', path: `${firstOp(parts).path}-`, cid })
      },
    }),
  },
  {
    what: 'claims to have removed a record that is still there',
    reason: 'DeletedRecordInTree',
    moved: true,
    tampering: () => ({
      parts: (parts) => {
        const prev = cidOf(encode({ text: 'before' }))
        parts.ops[0] = { action: 'delete', path: firstOp(parts).path, cid: null, prev }
      },
    }),
  },
  {
    what: 'is signed as the commit of another account',
    reason: 'WrongDid',
    tampering: () => ({ parts: (parts) => void (parts.unsigned.did = OTHER) }),
  },
  {
    what: 'has a revision that is not a TID',
    reason: 'BadRev',
    tampering: () => ({ parts: (parts) => void (parts.unsigned.rev = 'later') }),
  },
  {
    what: 'has a revision six minutes ahead of the clock',
    reason: 'FutureRev',
    tampering: () => ({
      parts: (parts) => void (parts.unsigned.rev = tidOf(Date.now() + 6 * 60_000)),
    }),
  },
  {
    what: 'has another revision in the message than in the commit',
    reason: 'CommitMismatch',
    tampering: () => ({ message: (message) => void (message['rev'] = tidOf(Date.now())) }),
  },
  {
    what: 'names another commit in the message than the CAR starts from',
    reason: 'CommitMismatch',
    tampering: () => ({ message: (message) => void (message['commit'] = cidOf(encode({}))) }),
  },
  {
    what: 'is of repo version 2',
    reason: 'BadCommit',
    tampering: () => ({ parts: (parts) => void (parts.unsigned.version = 2) }),
  },
  {
    what: 'has a field in the commit that no version knows',
    reason: 'BadCommit',
    tampering: () => ({ parts: (parts) => void Object.assign(parts.unsigned, { extra: 1 }) }),
  },
]

/** The two numbers of a compact signature as ASN.1 has them. */
function derOf(signature: Uint8Array): Uint8Array {
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)].map((number) => {
    const bytes = (number[0] ?? 0) < 0x80 ? number : Buffer.concat([Buffer.of(0), number])
    return Buffer.concat([Buffer.of(2, bytes.length), bytes])
  })
  const body = Buffer.concat([r ?? Buffer.of(), s ?? Buffer.of()])
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}
