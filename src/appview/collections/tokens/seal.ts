import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, integer, part, text, timestamp } from '../../define.ts'
import { hexOf, isKeyOf } from './core-form.ts'
import { BEN, LEDGER, NOON } from './example-names.ts'

/** A validator's last word on an epoch, as it was published. */
export const seal = collection({
  record: co.kendev.tokens.seal,
  table: 'tokenSeal',
  columns: {
    ledger: text(),
    epoch: integer(),
    validator: did(),
    createdAt: timestamp(),
    content: part<co.kendev.tokens.seal.Main>(),
  },
  indexes: [['ledger', 'epoch']],
  people: ['did'],
  access: { places: 'public' },

  accept: ({ record, rkey }) => (isKeyOf(rkey, record.epoch) ? undefined : 'WrongKey'),

  row: ({ record, claimed }) => ({
    ledger: record.ledger,
    epoch: record.epoch,
    validator: record.validator,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.tokens.defs.SealView => {
    const { $type: _, signature: __, root, ...told } = content
    return {
      ...told,
      uri: row.uri,
      cid: row.cid,
      author: look.person(row.did),
      root: hexOf(root),
      createdAt: instant(row.createdAt),
      indexedAt: instant(row.indexedAt),
    }
  },

  get: co.kendev.tokens.getSeal,
  examples: {
    good: [{ rkey: 'at.0', record: close() }],
    bad: { WrongKey: { rkey: 'at.1', record: close() } },
  },
})

function close(): Omit<co.kendev.tokens.seal.Main, '$type'> {
  return {
    ledger: LEDGER,
    epoch: 0,
    committee: LEDGER,
    validator: BEN,
    root: new Uint8Array(32),
    count: 0,
    participation: [{ validator: BEN, slots: 12 }],
    createdAt: NOON,
    signature: new Uint8Array(64),
  }
}
