import { SCALE } from '../../../tokens/amount.ts'
import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, text, timestamp } from '../../define.ts'
import { LEDGER, NOON } from './example-names.ts'

/** A ledger of tokens, as the account that governs it states it. Whoever verifies goes by the
 *  content hash of the first epoch, never by this record. */
export const ledger = collection({
  record: co.kendev.tokens.ledger,
  table: 'tokenLedger',
  columns: {
    genesis: text(),
    createdAt: timestamp(),
    content: part<co.kendev.tokens.ledger.Main>(),
  },
  people: ['did'],
  access: { places: 'public' },

  accept({ record, rkey }) {
    if (record.scale !== SCALE) return 'WrongScale'
    return rkey === record.code.toLowerCase() ? undefined : 'WrongKey'
  },

  row: ({ record, claimed }) => ({
    genesis: record.genesisEpoch,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.tokens.defs.LedgerView => ({
    uri: row.uri,
    cid: row.cid,
    author: look.person(row.did),
    code: content.code,
    scale: content.scale,
    supplyCap: content.supplyCap,
    genesisEpoch: content.genesisEpoch,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.tokens.getLedger,
  examples: {
    good: [{ rkey: 'at', record: state('AT', 6) }],
    bad: {
      WrongScale: { rkey: 'at', record: state('AT', 2) },
      WrongKey: { rkey: 'at', record: state('BT', 6) },
    },
  },
})

function state(code: string, scale: number) {
  const supplyCap = 9_000_000_000_000_000
  return { code, scale, supplyCap, genesisEpoch: LEDGER, createdAt: NOON } as const
}
