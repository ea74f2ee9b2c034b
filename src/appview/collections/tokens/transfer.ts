import { nativeCrypto } from '../../../crypto/native.ts'
import { co } from '../../../lexicons/index.ts'
import { isRefusal } from '../../../tokens/refusal.ts'
import { readTransfer } from '../../../tokens/transfer.ts'
import { collection, instant, integer, part, text, timestamp } from '../../define.ts'
import { coreBytes, isKeyOf, paddedSeq } from './core-form.ts'
import { BEN, EVE, LEDGER, NOON, OTHER } from './example-names.ts'

/** Tokens that somebody gives away, as their record says it. What it comes to follows from
 *  certificates, and is told beside it. */
export const transfer = collection({
  record: co.kendev.tokens.transfer,
  table: 'tokenTransfer',
  columns: {
    id: text(),
    ledger: text(),
    epoch: integer(),
    seq: text(),
    kind: text(),
    createdAt: timestamp(),
    content: part<co.kendev.tokens.transfer.Main>(),
  },
  indexes: [['id'], ['createdAt']],
  people: ['did'],
  access: { places: 'public' },

  accept({ record, did, rkey }) {
    const read = readTransfer(nativeCrypto, did, coreBytes(record))
    if (isRefusal(read)) return read.reason
    return isKeyOf(rkey, paddedSeq(record.seq)) ? undefined : 'WrongKey'
  },

  row({ record, did, claimed }) {
    const read = readTransfer(nativeCrypto, did, coreBytes(record))
    if (isRefusal(read)) throw new Error(read.detail)
    const { ledger, epoch, seq, kind, createdAt } = record
    const about = { id: read.id, ledger, epoch, seq: paddedSeq(seq), kind }
    return { ...about, createdAt: claimed(createdAt), content: record }
  },

  view: ({ content, ...row }, look): co.kendev.tokens.defs.TransferView => {
    const { $type: _, signatures: __, witnesses = [], contribution, ...told } = content
    return {
      ...told,
      uri: row.uri,
      cid: row.cid,
      id: row.id as typeof told.ledger,
      author: look.person(row.did),
      amount: told.credits.reduce((sum, { amount }) => sum + amount, 0),
      networkFee: feeOf(told.credits),
      crossNode: feeOf(told.credits) > 0,
      humanWorth: {
        proofOfHumanity: false,
        contributionType: contribution,
        witnessCount: new Set(witnesses.map((one) => one.did)).size,
      },
      consensus: { validatorNodes: [], consensusReached: false },
      status: 'pending',
      createdAt: instant(row.createdAt),
      indexedAt: instant(row.indexedAt),
    }
  },

  examples: {
    good: [
      { rkey: 'at.000000000001', record: give(1) },
      { rkey: 'at.000000000002', record: { ...give(2), prev: OTHER } },
    ],
    bad: {
      WrongPrev: { rkey: 'at.000000000002', record: give(2) },
      WrongKey: { rkey: 'at.000000000003', record: give(1) },
      Malformed: {
        rkey: 'at.000000000001',
        record: { ...give(1), validUntil: '2026-11-28T12:00:00Z' },
      },
      DuplicateCredit: { rkey: 'at.000000000001', record: give(1, [BEN, BEN]) },
      SelfCredit: { did: EVE, rkey: 'at.000000000001', record: give(1) },
    },
  },
})

function feeOf(credits: readonly { readonly amount: number; readonly role?: string }[]): number {
  return credits.reduce((sum, { amount, role }) => sum + (role === 'fee' ? amount : 0), 0)
}

function give(
  seq: number,
  to: readonly (typeof BEN | typeof EVE)[] = [BEN, EVE],
): Omit<co.kendev.tokens.transfer.Main, '$type'> {
  return {
    ledger: LEDGER,
    epoch: 0,
    seq,
    kind: 'peer_recognition',
    credits: to.map((one) => ({ to: one, amount: 1_500_000 })),
    createdAt: NOON,
    signatures: [],
  }
}
