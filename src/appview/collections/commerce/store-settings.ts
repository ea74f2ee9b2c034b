import { co } from '../../../lexicons/index.ts'
import { collection, instant, part, timestamp } from '../../define.ts'
import { isCurrency } from './currency.ts'
import { isTimeZone } from './time-zone.ts'

type Settings = co.kendev.commerce.storeSettings.Main

const REGION = /^[A-Z]{2}(-[A-Z0-9]{1,3})?$/
const ZONES = ['local', 'domestic', 'international', 'pickup']

/** How a tenant sells. Customers see what follows from it for their order. */
export const storeSettings = collection({
  record: co.kendev.commerce.storeSettings,
  table: 'storeSettings',
  columns: { updatedAt: timestamp(), content: part<Settings>() },
  access: { places: 'permissioned', of: 'tenant', audience: 'staff' },

  accept({ record }) {
    const { currency, timeZone, taxRates = [], shippingMethods = [] } = record
    if (!isCurrency(currency)) return 'UnknownCurrency'
    if (timeZone !== undefined && !isTimeZone(timeZone)) return 'UnknownTimeZone'
    const regions = taxRates.flatMap(({ region }) => region ?? [])
    const zones = shippingMethods.flatMap((method) => method.zones ?? [])
    if (![...regions, ...zones.filter((zone) => !ZONES.includes(zone))].every(isRegion))
      return 'UnknownRegion'
    if (isTwice(taxRates.map(({ region, category }) => JSON.stringify([region, category]))))
      return 'TaxTwice'
    return isTwice(shippingMethods.map(({ id }) => id)) ? 'ShippingTwice' : undefined
  },

  row: ({ record, claimed }) => ({ updatedAt: claimed(record.updatedAt), content: record }),

  view: ({ content, ...row }): co.kendev.commerce.defs.StoreSettingsView => ({
    uri: row.uri,
    cid: row.cid,
    tenant: row.did,
    currency: content.currency,
    timeZone: content.timeZone,
    pricesIncludeTax: content.pricesIncludeTax,
    taxRates: content.taxRates,
    shippingMethods: content.shippingMethods,
    paymentMethods: content.paymentMethods,
    payLater: content.payLater,
    returnWindowDays: content.returnWindowDays,
    splitBase: content.splitBase,
    leadTimeDays: content.leadTimeDays,
    invoice: content.invoice,
    updatedAt: instant(row.updatedAt),
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getStoreSettings,
  examples: {
    good: [
      example({
        timeZone: 'Europe/Berlin',
        pricesIncludeTax: true,
        taxRates: [
          { name: 'VAT', region: 'DE', rateBp: 1_900 },
          { name: 'VAT', region: 'DE', category: 'books', rateBp: 700 },
        ],
        shippingMethods: [
          { id: 'parcel', name: 'Parcel', amount: 490, freeAbove: 5_000, zones: ['DE', 'AT'] },
          { id: 'counter', name: 'Collect', amount: 0, zones: ['pickup'] },
        ],
        paymentMethods: ['credit_cards'],
        invoice: { sellerName: 'Garage Ltd', taxId: 'DE1', paymentTermsDays: 14 },
      }),
    ],
    bad: {
      UnknownCurrency: example({ currency: 'eur' }),
      UnknownTimeZone: example({ timeZone: 'Mars/Base' }),
      UnknownRegion: example({ taxRates: [{ name: 'VAT', region: 'de', rateBp: 1_900 }] }),
      TaxTwice: example({ taxRates: [tax(1_900), tax(700)] }),
      ShippingTwice: example({ shippingMethods: [parcel('One'), parcel('Two')] }),
    },
  },
})

function isTwice(names: readonly string[]): boolean {
  return new Set(names).size < names.length
}

function isRegion(code: string): boolean {
  return REGION.test(code)
}

function example(content: Partial<Settings>) {
  const record = { currency: 'EUR', updatedAt: '2026-11-23T10:00:00Z', ...content } as const
  return { rkey: 'self', audience: 'staff', record } as const
}

function tax(rateBp: number) {
  return { name: 'VAT', rateBp }
}

function parcel(name: string) {
  return { id: 'parcel', name, amount: 490 }
}
