import { co } from '../../../lexicons/index.ts'
import { collection, instant, integer, part, text, timestamp } from '../../define.ts'
import { hexOf, isInOrder, isKeyOf } from './core-form.ts'
import { BEN, EVE, LEDGER, NOON } from './example-names.ts'

/** What a node says that accounts have after an epoch. It is its word, shown as such; balances
 *  follow from certificates. */
export const checkpoint = collection({
  record: co.kendev.tokens.checkpoint,
  table: 'tokenCheckpoint',
  columns: {
    ledger: text(),
    epoch: integer(),
    first: text(),
    last: text(),
    createdAt: timestamp(),
    content: part<co.kendev.tokens.checkpoint.Main>(),
  },
  indexes: [['did', 'ledger', 'epoch', 'first']],
  people: ['did'],
  access: { places: 'public' },

  accept({ record, rkey }) {
    if (!isInOrder(record.accounts.map(({ account }) => account))) return 'NotInOrder'
    const { epoch, part: number, parts } = record
    return isKeyOf(rkey, `${epoch}.${number}`) && number <= parts ? undefined : 'WrongKey'
  },

  row: ({ record, claimed }) => ({
    ledger: record.ledger,
    epoch: record.epoch,
    first: record.accounts[0]?.account ?? '',
    last: record.accounts.at(-1)?.account ?? '',
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.tokens.defs.CheckpointView => {
    const { $type: _, stateRoot, ...told } = content
    return {
      ...told,
      uri: row.uri,
      cid: row.cid,
      author: look.person(row.did),
      stateRoot: hexOf(stateRoot),
      createdAt: instant(row.createdAt),
      indexedAt: instant(row.indexedAt),
    }
  },

  get: co.kendev.tokens.getCheckpoint,
  examples: {
    good: [{ rkey: 'at.0.1', record: state(BEN, EVE) }],
    bad: {
      NotInOrder: { rkey: 'at.0.1', record: state(EVE, BEN) },
      WrongKey: { rkey: 'at.0.2', record: state(BEN, EVE) },
    },
  },
})

function state(...accounts: readonly (typeof BEN | typeof EVE)[]) {
  return {
    ledger: LEDGER,
    epoch: 0,
    stateRoot: new Uint8Array(32),
    supply: accounts.length,
    part: 1,
    parts: 1,
    accounts: accounts.map((account) => ({ account, seq: 0, balance: 1 })),
    createdAt: NOON,
  } as const
}
