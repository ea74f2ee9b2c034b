import { nativeCrypto } from '../../../crypto/native.ts'
import { co } from '../../../lexicons/index.ts'
import { isRefusal } from '../../../tokens/refusal.ts'
import { type ReadTransfer, checkSpend, readTransfer } from '../../../tokens/transfer.ts'
import { collection, did, instant, integer, list, part, text, timestamp } from '../../define.ts'
import { paddedSeq } from './core-form.ts'
import { BEN, LEDGER, NOON, signedByBen } from './example-names.ts'

type Main = co.kendev.tokens.evidence.Main

/** Proof that an account has signed two different transfers with one number: both, each signed by
 *  the same key. Whoever publishes it, it proves that by itself. */
export const evidence = collection({
  record: co.kendev.tokens.evidence,
  table: 'tokenEvidence',
  columns: {
    ledger: text(),
    epoch: integer(),
    account: did(),
    seq: text(),
    transfers: list(),
    createdAt: timestamp(),
    content: part<Omit<Main, 'transfers'>>(),
  },
  indexes: [['account', 'ledger']],
  people: ['did'],
  access: { places: 'public' },

  accept: ({ record }) => (isProof(record) ? undefined : 'NoProof'),

  row({ record, claimed }) {
    const { transfers: _, ...content } = record
    return {
      ledger: record.ledger,
      epoch: record.epoch,
      account: record.account,
      seq: paddedSeq(record.seq),
      transfers: readBoth(record).map(({ id }) => id),
      createdAt: claimed(record.createdAt),
      content,
    }
  },

  view: ({ content, ...row }, look): co.kendev.tokens.defs.EvidenceView => ({
    uri: row.uri,
    cid: row.cid,
    author: look.person(row.did),
    ledger: content.ledger,
    epoch: content.epoch,
    account: content.account,
    seq: content.seq,
    transfers: row.transfers as never[],
    createdAt: instant(row.createdAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.tokens.getEvidence,
  examples: {
    good: [{ record: show(signedByBen.one, signedByBen.two) }],
    bad: { NoProof: { record: show(signedByBen.one, signedByBen.one) } },
  },
})

function readBoth({ account, transfers }: Pick<Main, 'account' | 'transfers'>): ReadTransfer[] {
  return transfers.flatMap((bytes) => {
    const read = readTransfer(nativeCrypto, account, bytes)
    return isRefusal(read) ? [] : [read]
  })
}

/** Nobody else has the account's key, so that two good signatures by one key are its own doing. */
function isProof(record: Main): boolean {
  const [a, b] = readBoth(record)
  if (!a || !b || a.id === b.id) return false
  const isAbout = ({ transfer }: ReadTransfer) =>
    transfer.ledger === record.ledger &&
    transfer.epoch === record.epoch &&
    transfer.seq === record.seq
  const keys = a.transfer.signatures.flatMap((one) => ('key' in one ? [one.key] : []))
  const isSigned = (key: string) =>
    [a, b].every((one) => checkSpend(nativeCrypto, one, key) === undefined)
  return isAbout(a) && isAbout(b) && keys.some(isSigned)
}

function show(...transfers: readonly string[]) {
  return {
    ledger: LEDGER,
    epoch: 0,
    account: BEN,
    seq: 1,
    transfers: transfers.map((base64) => new Uint8Array(Buffer.from(base64, 'base64'))),
    createdAt: NOON,
  } as const
}
