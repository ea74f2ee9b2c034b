import { createSandbox } from '../src/appview/payments/sandbox.ts'
import type { SqlPool } from '../src/appview/sql.ts'
import { type BusinessNode, businessNode, caller, foundBusiness } from './business-node.ts'
import { nativeDatabase } from './database/native.ts'

export const SHOP = 'did:plc:shop'
export const OTHER = 'did:plc:othershop'
export const RIVAL = 'did:plc:rival'
export const OWNER = 'did:plc:owner'
export const ANN = 'did:plc:ann'
export const BOB = 'did:plc:bob'
export const GRACE = 'did:plc:grace'
export const HEIDI = 'did:plc:heidi'
export const BOOKING = 'co.kendev.booking'
export const ENTERPRISE = 'co.kendev.enterprise'
const MADE = '2026-11-23T10:00:00Z'

/** A call that was refused, as the caller sees it. */
export type Refusal = { error: string; message: string; status: number }
export type Person = ReturnType<typeof caller>
/** An appointment as it is shown. */
export type Shown = Record<string, unknown> & {
  uri: string
  status: string
  startTime: string
  organizer: string
  sequence: number
  nextStates: string[]
}

/** Shops that take bookings, on a node of their own whose clock tests move. */
export type BookingWorld = AsyncDisposable & {
  readonly node: BusinessNode
  /** What the clock says. */
  now: Date
  as(did: string | undefined): Person
  /** A venue of the shop, open day and night where nothing else is said. */
  venue(more?: object): Promise<{ uri: string; rkey: string }>
  /** Somebody begins to work at a venue. */
  staff(venue: string, user: string, more?: object): Promise<void>
}

/** Opens it. */
export async function bookingWorld(more: object = {}): Promise<BookingWorld> {
  const database = await nativeDatabase()
  const world = { now: new Date('2026-11-27T12:00:00Z') } as { now: Date }
  const clock = { now: () => world.now }
  const pool = database.pool as unknown as SqlPool
  const node = await businessNode({
    pool,
    database: database.pool as never,
    clock,
    more: ({ outbox }) => ({
      provider: createSandbox({ sql: pool, outbox, clock, secret: 'a secret' }),
    }),
    ...more,
  })
  const roles = { [OWNER]: 'tenant_admin', [ANN]: 'tenant_member', [BOB]: 'tenant_manager' }
  await foundBusiness(node, SHOP, roles)
  await foundBusiness(node, OTHER, { [RIVAL]: 'tenant_admin' })
  const as = (did: string | undefined) => caller(node.url, did)
  const owner = as(OWNER)
  return Object.assign(world, {
    node,
    as,
    venue: async (content: object = {}) => {
      const venue = { ...shop(), ...content }
      const { uri } = await owner.call<{ uri: string }>(`${ENTERPRISE}.putVenue`, {
        tenant: SHOP,
        venue,
      })
      return { uri, rkey: uri.split('/').at(-1)! }
    },
    staff: async (venue: string, user: string, content: object = {}) => {
      const staff = {
        $type: `${ENTERPRISE}.venueStaff`,
        venue,
        user,
        workStation: { canFloatBays: true },
        createdAt: MADE,
        ...content,
      }
      await owner.call(`${ENTERPRISE}.putVenueStaff`, { tenant: SHOP, staff })
    },
    [Symbol.asyncDispose]: async () => {
      await node[Symbol.asyncDispose]()
      await database.close()
    },
  })
}

/** A venue that is open day and night, with two bays and a service of an hour. */
export function shop() {
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']
  return {
    $type: `${ENTERPRISE}.venue`,
    name: 'The Shop',
    location: { timezone: 'America/New_York' },
    businessHours: {
      schedule: days.map((dayOfWeek) => ({ dayOfWeek, openTime: '00:00', closeTime: '24:00' })),
    },
    services: [
      {
        serviceId: 'install',
        serviceName: 'Installation',
        duration: 60,
        price: { amount: 10_000, currency: 'USD' },
        requiresBay: true,
      },
      { serviceId: 'class', serviceName: 'Class', duration: 60, maxAttendees: 3 },
      { serviceId: 'asked', serviceName: 'Asked', requiresBay: true, requireConfirmation: true },
    ],
    bayManagement: {
      bays: [
        { bayId: 'one', bayName: 'Bay one', bayType: 'install_bay' },
        { bayId: 'two', bayName: 'Bay two', bayType: 'install_bay' },
      ],
    },
    bookingPolicy: { cutOff: 1_440, lateFeeBp: 2_500, noShowFeeBp: 5_000 },
    createdAt: MADE,
  }
}

/** What a call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call
  } catch (error) {
    return error as Refusal
  }
  throw new Error('nothing was refused')
}
