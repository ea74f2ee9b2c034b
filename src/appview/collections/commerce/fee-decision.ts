import { co } from '../../../lexicons/index.ts'
import { collection, instant, integer, part, text, timestamp } from '../../define.ts'

type Decision = co.kendev.commerce.feeDecision.Main

/** What the platform takes of a tenant from a day on, and what that was worked out from. */
export const feeDecision = collection({
  record: co.kendev.commerce.feeDecision,
  table: 'feeDecision',
  columns: {
    agreement: text(),
    feeBp: integer(),
    decidedAt: timestamp(),
    effectiveAt: timestamp(),
    content: part<Decision>(),
  },
  indexes: [['did', 'effectiveAt']],
  access: { places: 'permissioned', of: 'tenant', audience: 'managers' },

  accept: ({ record: { decidedAt, effectiveAt } }) =>
    Date.parse(effectiveAt) < Date.parse(decidedAt) ? 'BeforeItWasDecided' : undefined,

  row: ({ record, claimed }) => ({
    agreement: record.agreement,
    feeBp: record.feeBp,
    decidedAt: claimed(record.decidedAt),
    // Not as claimed: it may lie ahead.
    effectiveAt: new Date(record.effectiveAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.commerce.defs.FeeDecisionView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    agreement: row.agreement,
    feeBp: row.feeBp,
    beforeBp: content.beforeBp,
    inputs: content.inputs,
    ruleVersion: content.ruleVersion,
    decidedAt: instant(row.decidedAt),
    effectiveAt: instant(row.effectiveAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getFeeDecision,
  lists: [
    {
      query: co.kendev.commerce.listFeeDecisions,
      newest: 'decidedAt',
      where: { tenant: 'did' },
    },
  ],
  examples: {
    good: [{ audience: 'managers', record: decided({}) }],
    bad: {
      BeforeItWasDecided: {
        audience: 'managers',
        record: decided({ effectiveAt: '2026-11-22T10:00:00Z' }),
      },
    },
  },
})

function decided(more: Partial<Decision>): Omit<Decision, '$type'> {
  return {
    agreement: 'performance',
    feeBp: 1_400,
    beforeBp: 1_500,
    inputs: [{ name: 'before', value: 1_500 }],
    ruleVersion: '2026-1',
    decidedAt: '2026-11-23T10:00:00Z',
    effectiveAt: '2026-11-23T10:00:00Z',
    ...more,
  }
}
