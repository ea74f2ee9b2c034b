import { nativeCrypto } from '../../../crypto/native.ts'
import { co } from '../../../lexicons/index.ts'
import { readEpoch } from '../../../tokens/epoch.ts'
import { isRefusal } from '../../../tokens/refusal.ts'
import { collection, did, instant, integer, part, text, timestamp } from '../../define.ts'
import { coreBytes, hexOf, isKeyOf } from './core-form.ts'
import { BEN, EVE, KEY, LEDGER, NOON } from './example-names.ts'

type Main = co.kendev.tokens.epoch.Main

/** An epoch of a ledger, as it was published. It counts where it follows, by the signatures of a
 *  quorum, from the first epoch that this node has pinned. */
export const epoch = collection({
  record: co.kendev.tokens.epoch,
  table: 'tokenEpoch',
  columns: {
    id: text(),
    ledger: text(),
    epoch: integer(),
    governance: did(),
    createdAt: timestamp(),
    content: part<Main>(),
  },
  indexes: [['ledger', 'epoch'], ['id']],
  people: ['did'],
  access: { places: 'public' },

  accept({ record, rkey }) {
    const read = readEpoch(nativeCrypto, coreBytes(record))
    if (isRefusal(read)) return read.reason
    return isKeyOf(rkey, record.epoch) ? undefined : 'WrongKey'
  },

  row({ record, claimed }) {
    const read = readEpoch(nativeCrypto, coreBytes(record))
    if (isRefusal(read)) throw new Error(read.detail)
    const { id } = read
    return {
      id,
      ledger: record.ledger ?? id,
      epoch: record.epoch,
      governance: record.governance,
      createdAt: claimed(record.createdAt),
      content: record,
    }
  },

  view: ({ content, ...row }, look): co.kendev.tokens.defs.EpochView => {
    const { $type: _, signatures, handover, ...told } = content
    return {
      ...told,
      uri: row.uri,
      cid: row.cid,
      author: look.person(row.did),
      id: row.id as never,
      signers: signatures.map(({ validator }) => validator),
      ...(handover && { handover: handoverOf(handover) }),
      createdAt: instant(row.createdAt),
      indexedAt: instant(row.indexedAt),
    }
  },

  get: co.kendev.tokens.getEpoch,
  examples: {
    good: [
      { rkey: 'at.0', record: first(1) },
      { rkey: 'at.1', record: second() },
    ],
    bad: {
      BadQuorum: { rkey: 'at.0', record: first(2) },
      WrongKey: { rkey: 'at.1', record: first(1) },
    },
  },
})

function handoverOf(kept: NonNullable<Main['handover']>): co.kendev.tokens.defs.HandoverView {
  const { $type: _, stateRoot, settledRoot, ...told } = kept
  return { ...told, stateRoot: hexOf(stateRoot), settledRoot: hexOf(settledRoot) }
}

function first(quorum: number): Omit<Main, '$type'> {
  return {
    epoch: 0,
    code: 'AT',
    scale: 6,
    supplyCap: 9_000_000_000_000_000,
    governance: EVE,
    validators: [{ did: BEN, key: KEY, endpoint: 'https://node.example' }],
    quorum,
    grants: [{ kind: 'system_grant', amount: 1_000_000, to: BEN }],
    params: {
      splits: [],
      feeBasisPoints: 50,
      feeMinimum: 1_000,
      holdHours: 72,
      noAngelKeyLimit: 10_000_000,
      maxSkewSeconds: 300,
    },
    createdAt: NOON,
    signatures: [],
  }
}

function second(): Omit<Main, '$type'> {
  const [root, signature] = [new Uint8Array(32), new Uint8Array(64)]
  return {
    ...first(1),
    epoch: 1,
    ledger: LEDGER,
    prev: LEDGER,
    handover: {
      seals: [{ validator: BEN, cid: LEDGER }],
      stateRoot: root,
      settledRoot: root,
      settledCount: 0,
      supply: 1_000_000,
      burned: 0,
    },
    signatures: [{ validator: BEN, signature }],
  }
}
