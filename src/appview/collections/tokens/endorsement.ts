import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, integer, part, timestamp } from '../../define.ts'
import { hexOf } from './core-form.ts'
import { BEN, EVE, LEDGER, NOON, OTHER } from './example-names.ts'

/** That somebody vouches for a transfer out of a pool. Whether the signature is that of somebody
 *  who may follows from the epoch; whoever puts it into the transfer checks it. */
export const endorsement = collection({
  record: co.kendev.tokens.endorsement,
  table: 'tokenEndorsement',
  columns: {
    pool: did(),
    epoch: integer(),
    createdAt: timestamp(),
    content: part<co.kendev.tokens.endorsement.Main>(),
  },
  indexes: [['pool', 'epoch', 'createdAt']],
  people: ['did', 'pool'],
  access: { places: 'public' },

  accept: ({ record, did: author }) =>
    record.role === 'witness' && record.pool === author ? 'OwnPool' : undefined,

  row: ({ record, claimed }) => ({
    pool: record.pool,
    epoch: record.epoch,
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.tokens.defs.EndorsementView => ({
    uri: row.uri,
    cid: row.cid,
    author: look.person(row.did),
    ledger: content.ledger,
    epoch: row.epoch,
    pool: look.person(row.pool),
    seq: content.seq,
    role: content.role,
    content: content.content,
    signature: hexOf(content.signature),
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.tokens.getEndorsement,
  lists: [
    {
      query: co.kendev.tokens.listEndorsements,
      newest: 'createdAt',
      where: { author: 'did', pool: 'pool', epoch: 'epoch' },
    },
  ],
  examples: {
    good: [{ record: say('witness') }, { record: say('approver') }],
    bad: { OwnPool: { did: EVE, record: say('witness', EVE) } },
  },
})

function say(role: 'witness' | 'approver', pool: typeof BEN | typeof EVE = BEN) {
  const signature = new Uint8Array(64)
  const about = { ledger: LEDGER, epoch: 3, pool, seq: 7, role, content: OTHER } as const
  return { ...about, signature, createdAt: NOON } as const
}
