import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, timestamp } from '../../define.ts'

type Terms = co.kendev.spaces.spaceTerms.Main

/** What a space and the platform have agreed, and the partners it works with: the part of a space's
 *  description that is for those who manage it (`domain.md` N-04, R-31). */
export const spaceTerms = collection({
  record: co.kendev.spaces.spaceTerms,
  table: 'spaceTerms',
  columns: { createdAt: timestamp(), content: part<Terms>() },
  access: { places: 'permissioned', audience: 'managers', manage: 'manage_space' },

  accept({ record }) {
    const negotiated = record.revenueAgreementType === 'negotiated'
    if (negotiated && (!record.contractId || !record.reviewDate)) return 'ContractMissing'
    return undefined
  },

  row: ({ record, claimed }) => ({ createdAt: claimed(record.createdAt), content: record }),

  view: ({ content, ...row }): co.kendev.spaces.defs.SpaceTermsView => ({
    uri: row.uri,
    cid: row.cid,
    space: row.did,
    revenueAgreementType: content.revenueAgreementType ?? 'standard',
    revenuePlatformFee: content.revenuePlatformFee,
    contractId: content.contractId,
    reviewDate: content.reviewDate,
    aiOptEnabled: content.aiOptEnabled,
    aiOptFactors: content.aiOptFactors,
    printPartners: content.printPartners,
    socialBots: content.socialBots,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.spaces.getSpaceTerms,
  examples: {
    good: [
      {
        rkey: 'self',
        audience: 'managers',
        record: terms({
          revenueAgreementType: 'negotiated',
          revenuePlatformFee: 1200,
          contractId: 'C-17',
          reviewDate: '2027-11-23T10:00:00Z',
        }),
      },
      {
        did: 'did:plc:club',
        rkey: 'self',
        audience: 'managers',
        record: terms({
          printPartners: [{ name: 'Press & Co', productCatalog: ['mugs', 'posters'] }],
          socialBots: { platforms: ['mastodon', 'bluesky'], autoPost: true },
        }),
      },
    ],
    bad: {
      ContractMissing: {
        rkey: 'self',
        audience: 'managers',
        record: terms({ revenueAgreementType: 'negotiated' }),
      },
    },
  },
})

function terms(content: Partial<Terms>): Omit<Terms, '$type'> {
  return { createdAt: '2026-11-23T10:00:00Z', ...content }
}
