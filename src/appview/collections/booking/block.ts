import { co } from '../../../lexicons/index.ts'
import { instantOf, isLocalTime, isZone } from '../../booking/local-time.ts'
import { collection, did, instant, part, record as recordColumn, timestamp } from '../../define.ts'

type Block = co.kendev.booking.block.Main

const VENUE = 'at://did:plc:alice/co.kendev.enterprise.venue/3jzfcijpj2z2a'

/** A time at which nothing is booked: at a venue, at one of its bays, or with somebody of the
 *  staff. Its times are those of the wall clock there. */
export const block = collection({
  record: co.kendev.booking.block,
  table: 'block',
  columns: {
    venue: recordColumn().optional(),
    staff: did().optional(),
    startTime: timestamp(),
    endTime: timestamp(),
    content: part<Block>(),
  },
  indexes: [['did', 'startTime']],
  people: ['staff'],
  access: { places: 'permissioned', of: 'tenant', audience: 'staff' },

  accept({ record }) {
    const { localStart, localEnd, timezone, venue, staff, bayId } = record
    if (!isZone(timezone)) return 'BadZone'
    if (!isLocalTime(localStart) || !isLocalTime(localEnd)) return 'BadTime'
    if (instantOf(localEnd, timezone) <= instantOf(localStart, timezone)) return 'EndsBeforeStart'
    if (venue === undefined && (staff === undefined || bayId !== undefined)) return 'BlocksNothing'
    return undefined
  },

  row: ({ record }) => ({
    venue: record.venue ?? null,
    staff: record.staff ?? null,
    startTime: new Date(instantOf(record.localStart, record.timezone)),
    endTime: new Date(instantOf(record.localEnd, record.timezone)),
    content: record,
  }),

  view: ({ content, ...row }, look): co.kendev.booking.defs.BlockView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    venue: row.venue ?? undefined,
    staff: row.staff ?? undefined,
    person: row.staff ? look.person(row.staff) : undefined,
    bayId: content.bayId,
    localStart: content.localStart,
    localEnd: content.localEnd,
    timezone: content.timezone,
    startTime: instant(row.startTime),
    endTime: instant(row.endTime),
    reason: content.reason,
    createdAt: content.createdAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.booking.getBlock,
  lists: [
    {
      query: co.kendev.booking.listBlocks,
      newest: 'startTime',
      where: { tenant: 'did', venue: 'venue', staff: 'staff' },
    },
  ],
  examples: {
    good: [
      { audience: 'staff', record: away({ venue: VENUE, reason: 'Inventory' }) },
      { audience: 'staff', record: away({ staff: 'did:plc:ben' }) },
    ],
    bad: {
      BadZone: { audience: 'staff', record: away({ venue: VENUE, timezone: '+01:00' }) },
      BadTime: { audience: 'staff', record: away({ venue: VENUE, localEnd: '2026-02-30T10:00' }) },
      EndsBeforeStart: {
        audience: 'staff',
        record: away({ venue: VENUE, localEnd: '2026-12-01T09:00' }),
      },
      BlocksNothing: { audience: 'staff', record: away({ bayId: 'one' }) },
    },
  },
})

function away(content: Partial<Block>): Omit<Block, '$type'> {
  return {
    localStart: '2026-12-01T09:00',
    localEnd: '2026-12-02T18:00',
    timezone: 'Europe/Berlin',
    createdAt: '2026-11-23T10:00:00Z',
    ...content,
  }
}
