import { co } from '../../../lexicons/index.ts'
import { isZone } from '../../booking/local-time.ts'
import { readableHours } from '../../booking/opening-hours.ts'
import { collection, instant, list, part, text, timestamp } from '../../define.ts'
import { isCurrency } from '../commerce/currency.ts'
import { isCountry, isEmail, isPhone } from './contact-details.ts'

type Venue = co.kendev.enterprise.venue.Main

/** A place where a tenant works and takes bookings, in the tenant's public repo, so that anybody
 *  can see when it is open and what can be booked. The tenant is its author (`domain.md` R-10).
 *  Bays and services have ids that stay when their names change. */
export const venue = collection({
  record: co.kendev.enterprise.venue,
  table: 'venue',
  columns: {
    name: text(),
    description: text().optional(),
    venueType: text().optional(),
    status: text(),
    services: list(),
    createdAt: timestamp(),
    content: part<Venue>(),
  },
  indexes: [['did', 'createdAt']],
  search: ['name', 'description'],
  access: { places: 'public' },

  accept({ record }) {
    const { location, contactInfo = {}, businessHours, services = [], bayManagement } = record
    if (!isZone(location.timezone)) return 'BadZone'
    if (location.address && !isCountry(location.address.country)) return 'BadCountry'
    if (contactInfo.email !== undefined && !isEmail(contactInfo.email)) return 'BadEmail'
    const numbers = [contactInfo.phone, contactInfo.fax]
    if (!numbers.every((number) => number === undefined || isPhone(number))) return 'BadPhone'
    if (businessHours && !readableHours(businessHours)) return 'BadHours'
    const bays = (bayManagement?.bays ?? []).map(({ bayId }) => bayId)
    if (new Set(bays).size !== bays.length) return 'BayTwice'
    const ids = services.map(({ serviceId }) => serviceId)
    if (new Set(ids).size !== ids.length) return 'ServiceTwice'
    if (![...bays, ...ids].every(isId)) return 'BadId'
    const prices = services.flatMap(({ price }) => price ?? [])
    return prices.every(({ amount, currency }) => amount >= 0 && isCurrency(currency))
      ? undefined
      : 'BadPrice'
  },

  row: ({ record, claimed }) => ({
    name: record.name,
    description: record.description ?? null,
    venueType: record.venueType ?? null,
    status: record.status ?? 'active',
    services: (record.services ?? []).map(({ serviceId }) => serviceId),
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }): co.kendev.enterprise.defs.VenueView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    name: row.name,
    description: row.description ?? undefined,
    organization: content.organization,
    venueType: row.venueType ?? undefined,
    location: content.location,
    contactInfo: content.contactInfo,
    businessHours: content.businessHours,
    services: content.services,
    bayManagement: content.bayManagement,
    totalBays: content.bayManagement?.bays?.length,
    bookingPolicy: content.bookingPolicy,
    guardianAngel: content.guardianAngel,
    status: row.status,
    isActive: row.status === 'active',
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.enterprise.getVenue,
  lists: [
    {
      query: co.kendev.enterprise.listVenues,
      newest: 'createdAt',
      where: { tenant: 'did', venueType: 'venueType', status: 'status', q: ['matches', 'search'] },
    },
  ],
  examples: {
    good: [
      {
        record: shop({
          venueType: 'car_audio_shop',
          location: {
            timezone: 'America/New_York',
            address: { street: '1 Main St', locality: 'Albany', region: 'NY', country: 'US' },
            coordinates: { latitude: 426_525_800, longitude: -737_562_300 },
          },
          contactInfo: { email: 'hello@shop.example', phone: '+1 518 555 0100' },
          businessHours: {
            schedule: [
              { dayOfWeek: 'monday', openTime: '09:00', closeTime: '12:00' },
              { dayOfWeek: 'monday', openTime: '13:00', closeTime: '17:00' },
              { dayOfWeek: 'sunday', isClosed: true },
            ],
            specialHours: [{ date: '2026-12-24', openTime: '09:00', closeTime: '12:00' }],
          },
          services: [
            {
              serviceId: 'install',
              serviceName: 'Installation',
              duration: 90,
              price: { amount: 12_000, currency: 'USD' },
              requiresBay: true,
              bayTypes: ['install_bay'],
              specialties: ['audio'],
              deposit: { rateBp: 2_500 },
            },
          ],
          bayManagement: {
            bays: [{ bayId: 'one', bayName: 'Bay one', bayType: 'install_bay' }],
            bayBookingBuffer: 15,
          },
          bookingPolicy: { cutOff: 1_440, lateFeeBp: 2_500 },
        }),
      },
      { record: shop({ status: 'temp_closed' }) },
    ],
    bad: {
      BadZone: { record: shop({ location: { timezone: '+02:00' } }) },
      BadCountry: {
        record: shop({ location: { timezone: 'UTC', address: { country: 'Germany' } } }),
      },
      BadEmail: { record: shop({ contactInfo: { email: 'at the desk' } }) },
      BadPhone: { record: shop({ contactInfo: { fax: '030 1234567' } }) },
      BadHours: {
        record: shop({ businessHours: { schedule: [{ dayOfWeek: 'monday', openTime: '25:00' }] } }),
      },
      BayTwice: { record: shop({ bayManagement: { bays: [bay('one'), bay('one')] } }) },
      ServiceTwice: { record: shop({ services: [service('wash'), service('wash')] }) },
      BadId: { record: shop({ services: [service('car wash')] }) },
      BadPrice: {
        record: shop({ services: [{ ...service('a'), price: { amount: 1, currency: 'usd' } }] }),
      },
    },
  },
})

/** Ids stand in names of resources and in links. */
function isId(id: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(id)
}

function shop(content: Partial<Venue>): Omit<Venue, '$type'> {
  const location = { timezone: 'Europe/Berlin' }
  return { name: 'The Shop', location, createdAt: '2026-11-23T10:00:00Z', ...content }
}

function bay(bayId: string): co.kendev.enterprise.venue.Bay {
  return { bayId, bayName: `Bay ${bayId}` }
}

function service(serviceId: string): co.kendev.enterprise.venue.Service {
  return { serviceId, serviceName: `Service ${serviceId}` }
}
