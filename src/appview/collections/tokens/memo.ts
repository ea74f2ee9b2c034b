import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, timestamp } from '../../define.ts'
import { NOON } from './example-names.ts'

/** What somebody says about a transfer, under its key. It can be deleted; the transfer, which names
 *  nothing of it but its content hash, still stands. */
export const memo = collection({
  record: co.kendev.tokens.memo,
  table: 'tokenMemo',
  columns: { createdAt: timestamp(), content: part<co.kendev.tokens.memo.Main>() },
  people: ['did'],
  access: { places: 'public' },

  accept: ({ rkey }) => (/^[a-z]{1,8}\.\d{12}$/.test(rkey) ? undefined : 'WrongKey'),

  row: ({ record, claimed }) => ({ createdAt: claimed(record.createdAt), content: record }),

  view: ({ content, ...row }, look): co.kendev.tokens.defs.MemoView => ({
    uri: row.uri,
    cid: row.cid,
    author: look.person(row.did),
    reason: content.reason,
    relatedContent: content.relatedContent,
    campaignId: content.campaignId,
    eventId: content.eventId,
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.tokens.getMemo,
  examples: {
    good: [{ rkey: 'at.000000000001', record: say() }],
    bad: { WrongKey: { rkey: '3m6bkl2222222', record: say() } },
  },
})

function say() {
  return { reason: 'For the song.', salt: new Uint8Array(16), createdAt: NOON } as const
}
