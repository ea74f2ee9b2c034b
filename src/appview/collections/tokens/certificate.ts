import { co } from '../../../lexicons/index.ts'
import { readCertificate } from '../../../tokens/certificate.ts'
import { collection, did, instant, integer, part, text } from '../../define.ts'
import { coreBytes, paddedSeq } from './core-form.ts'
import { BEN, KEY, LEDGER, NOON, OTHER } from './example-names.ts'

/** A certificate, as somebody has published it. Whether it counts follows from the epochs that this
 *  node holds, whichever comes first, and is found out beside it. */
export const certificate = collection({
  record: co.kendev.tokens.certificate,
  table: 'tokenCertificate',
  columns: {
    ledger: text(),
    epoch: integer(),
    committee: text(),
    phase: text(),
    account: did(),
    seq: text(),
    transfer: text(),
    content: part<co.kendev.tokens.certificate.Main>(),
  },
  indexes: [['transfer'], ['committee', 'account', 'seq']],
  people: ['did'],
  access: { places: 'public' },

  accept({ record }) {
    const read = readCertificate(coreBytes(record))
    return read.ok ? undefined : read.reason
  },

  row: ({ record }) => ({
    ledger: record.ledger,
    epoch: record.epoch,
    committee: record.committee,
    phase: record.phase,
    account: record.account,
    seq: paddedSeq(record.seq),
    transfer: record.transfer,
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.tokens.defs.CertificateView => {
    const { $type: _, attestations, ...about } = content
    return {
      ...about,
      uri: row.uri,
      cid: row.cid,
      author: look.person(row.did),
      attestations: attestations.map(({ validator, senderKey, observedAt }) => ({
        validator,
        senderKey,
        observedAt,
      })),
      indexedAt: instant(row.indexedAt),
    }
  },

  get: co.kendev.tokens.getCertificate,
  examples: {
    good: [{ rkey: 'at.ben.1', record: certify('apply') }],
    bad: { Malformed: { rkey: 'at.ben.1', record: certify('wish') } },
  },
})

function certify(phase: string): Omit<co.kendev.tokens.certificate.Main, '$type'> {
  const signature = new Uint8Array(64)
  return {
    phase,
    ledger: LEDGER,
    epoch: 0,
    committee: LEDGER,
    account: BEN,
    seq: 1,
    transfer: OTHER,
    attestations: [{ validator: BEN, senderKey: KEY, observedAt: NOON, signature }],
  }
}
