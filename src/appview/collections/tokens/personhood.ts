import { co } from '../../../lexicons/index.ts'
import { collection, instant, integer, part } from '../../define.ts'
import { isInOrder, isKeyOf } from './core-form.ts'
import { BEN, EVE, KEY, LEDGER } from './example-names.ts'

/** A snapshot of who counts as a person. It counts where an epoch pins its content hash. */
export const personhood = collection({
  record: co.kendev.tokens.personhood,
  table: 'tokenPersonhood',
  columns: {
    epoch: integer(),
    content: part<co.kendev.tokens.personhood.Main>(),
  },
  people: ['did'],
  access: { places: 'public' },

  accept({ record, rkey }) {
    if (!isInOrder(record.persons.map((one) => one.did))) return 'NotInOrder'
    return isKeyOf(rkey, record.epoch) ? undefined : 'WrongKey'
  },

  row: ({ record }) => ({ epoch: record.epoch, content: record }),

  view: ({ content, ...row }, look): co.kendev.tokens.defs.PersonhoodView => ({
    uri: row.uri,
    cid: row.cid,
    author: look.person(row.did),
    ledger: content.ledger,
    epoch: content.epoch,
    persons: content.persons,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.tokens.getPersonhood,
  examples: {
    good: [{ rkey: 'at.0', record: count(BEN, EVE) }],
    bad: {
      NotInOrder: { rkey: 'at.0', record: count(EVE, BEN) },
      WrongKey: { rkey: 'at.1', record: count(BEN, EVE) },
    },
  },
})

function count(...dids: readonly (typeof BEN | typeof EVE)[]) {
  const persons = dids.map((did) => ({ did, key: KEY, bucket: 3, cluster: did }) as const)
  return { ledger: LEDGER, epoch: 0, persons } as const
}
