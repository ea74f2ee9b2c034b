import { co } from '../../../lexicons/index.ts'
import { collection, did, instant, integer, part, text } from '../../define.ts'
import { hexOf } from './core-form.ts'
import { BEN, LEDGER, OTHER } from './example-names.ts'

/** The head of a batch of attestations, as a validator has published it. */
export const attestationBatch = collection({
  record: co.kendev.tokens.attestationBatch,
  table: 'tokenBatch',
  columns: {
    ledger: text(),
    epoch: integer(),
    validator: did(),
    content: part<co.kendev.tokens.attestationBatch.Main>(),
  },
  indexes: [['ledger', 'epoch', 'validator']],
  people: ['did'],
  access: { places: 'public' },

  accept: ({ record }) =>
    (record.previous === undefined) === (record.number === 1) ? undefined : 'BrokenChain',

  row: ({ record }) => ({
    ledger: record.ledger,
    epoch: record.epoch,
    validator: record.validator,
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.tokens.defs.AttestationBatchView => ({
    uri: row.uri,
    cid: row.cid,
    author: look.person(row.did),
    ledger: content.ledger,
    epoch: row.epoch,
    validator: row.validator,
    number: content.number,
    previous: content.previous,
    root: hexOf(content.root),
    count: content.count,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.tokens.getAttestationBatch,
  examples: {
    good: [
      { rkey: 'at.0.1', record: head(1) },
      { rkey: 'at.0.2', record: { ...head(2), previous: OTHER } },
    ],
    bad: { BrokenChain: { rkey: 'at.0.2', record: head(2) } },
  },
})

function head(number: number) {
  const [root, signature] = [new Uint8Array(32), new Uint8Array(64)]
  return { ledger: LEDGER, epoch: 0, validator: BEN, number, root, count: 1, signature } as const
}
