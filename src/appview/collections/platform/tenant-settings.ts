import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, timestamp } from '../../define.ts'

const CUSTOM_BYTES_MAX = 32_768

/** How a tenant runs. Its managers' business only; keys to other services are never in it. */
export const tenantSettings = collection({
  record: co.kendev.platform.tenantSettings,
  table: 'tenantSettings',
  columns: { updatedAt: timestamp(), content: part<co.kendev.platform.tenantSettings.Main>() },
  access: { places: 'permissioned', of: 'tenant', audience: 'managers' },

  accept({ record: { customSettings = [] } }) {
    const isTooLarge = Buffer.byteLength(JSON.stringify(customSettings)) > CUSTOM_BYTES_MAX
    return isTooLarge ? 'TooLarge' : undefined
  },

  row: ({ record, claimed }) => ({ updatedAt: claimed(record.updatedAt), content: record }),

  view: (row): co.kendev.platform.defs.TenantSettingsView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    settings: row.content,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.platform.getTenantSettings,
  examples: {
    good: [
      {
        rkey: 'self',
        audience: 'managers',
        record: {
          allowPublicSignup: false,
          revenueSharing: { enabled: true, defaultRateBp: 1500 },
          updatedAt: '2026-11-23T10:00:00Z',
        },
      },
    ],
    bad: {
      TooLarge: {
        rkey: 'self',
        audience: 'managers',
        record: {
          customSettings: Array.from('abcd', (name) => ({ name, value: 'x'.repeat(9_000) })),
          updatedAt: '2026-11-23T10:00:00Z',
        },
      },
    },
  },
})
