import { expect, test } from 'vitest'
import { checkRecord } from '../../check-record.ts'
import { co } from '../../../lexicons/index.ts'

const SPACE = 'did:plc:garage'
const at = { did: SPACE, collection: co.kendev.spaces.channel.$type, rkey: '3jzfcijpj2z2a' }
const check = (more: object) =>
  checkRecord(at, {
    $type: at.collection,
    space: SPACE,
    name: 'pump',
    createdAt: '2026-11-23T10:00:00Z',
    ...more,
  })

const CHANNEL_TYPES = `photo_analysis document_processing data_collection monitoring
  intelligence_gathering economic_analysis chat communication`.split(/\s+/)
const REPORT_TYPES = `mileage_log collection_inventory business_inventory equipment_status
  asset_tracking quality_control maintenance_log customer_interaction general`.split(/\s+/)

test.each(CHANNEL_TYPES)(
  'a %s channel collects reports of every type from a feed',
  (channelType) => {
    for (const reportType of REPORT_TYPES)
      check({
        channelType,
        reportType,
        feedConfiguration: {
          feedSource: 'https://meters.example/pump-3',
          refreshInterval: 900,
          dataFormat: 'text/csv',
        },
      })
  },
)

test.each([
  [{ refreshInterval: 0 }, 'SchemaMismatch'],
  [{ refreshInterval: 1.5 }, 'Record'],
  [{ feedSource: 'x'.repeat(2_000) }, 'SchemaMismatch'],
  [{ feedSource: 'https://ada:secret@meters.example/' }, 'SecretInSource'],
  [{ feedSource: 'mqtt://secret@meters.example' }, 'SecretInSource'],
])('a feed of %j is refused: %s', (feedConfiguration, reason) => {
  expect(() => check({ feedConfiguration })).toThrow(reason)
})

test('a name with an @ is no secret', () => {
  check({ feedConfiguration: { feedSource: 'mailbox of pump@garage' } })
  check({ feedConfiguration: { feedSource: 'https://meters.example/@pump' } })
})
