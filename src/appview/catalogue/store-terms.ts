import type { co } from '../../lexicons/index.ts'

type Settings = Omit<co.kendev.commerce.storeSettings.Main, '$type'>
type ShippingMethod = co.kendev.commerce.storeSettings.ShippingMethod

/** Where goods go: ISO 3166 codes of a country and of a part of it, such as US and US-NY. */
export type Destination = {
  readonly country?: string | undefined
  readonly region?: string | undefined
}

/** The tax on a product of a tax category that goes there, in basis points: rates of a part of a
 *  country count before those of the country, and those before rates for everywhere. Nothing fits:
 *  no tax. */
export function taxRateOf(
  { taxRates = [] }: Pick<Settings, 'taxRates'>,
  product: { readonly taxable?: boolean | undefined; readonly taxCategory?: string | undefined },
  { country, region }: Destination,
): { readonly name: string; readonly rateBp: number } | undefined {
  if (product.taxable === false) return undefined
  const fitting = taxRates.filter(({ category }) => category === product.taxCategory)
  // A category without rates of its own is taxed as everything else is.
  const rates =
    fitting.length > 0 ? fitting : taxRates.filter((rate) => rate.category === undefined)
  const found = [region, country, undefined].flatMap((place, n) =>
    place === undefined && n < 2 ? [] : rates.filter((rate) => rate.region === place),
  )[0]
  return found && { name: found.name, rateBp: found.rateBp }
}

/** The ways in which goods of these shipping classes can be sent there, with what each costs for
 *  goods worth `subtotal`, in minor units. */
export function shippingOffers(
  { shippingMethods = [] }: Pick<Settings, 'shippingMethods'>,
  goods: {
    readonly to: Destination & { readonly home?: string | undefined }
    readonly classes: readonly string[]
    readonly subtotal: number
    /** Whether each product says that sending it costs nothing. */
    readonly free: boolean
  },
): { readonly id: string; readonly name: string; readonly amount: number }[] {
  return shippingMethods
    .filter((method) => carries(method, goods))
    .map((method) => {
      const { id, name, amount, freeAbove } = method
      const isFree = goods.free || (freeAbove !== undefined && goods.subtotal >= freeAbove)
      return { id, name, amount: isFree ? 0 : amount }
    })
}

function carries(
  { zones, shippingClasses }: ShippingMethod,
  { to, classes }: Parameters<typeof shippingOffers>[1],
): boolean {
  const all: readonly string[] | undefined = shippingClasses
  return goesTo(zones, to) && (all === undefined || classes.every((one) => all.includes(one)))
}

/** `local` and `pickup` are offered to whoever asks: the shop says where that is. */
function goesTo(
  zones: readonly string[] | undefined,
  { country, region, home }: Destination & { readonly home?: string | undefined },
): boolean {
  if (zones === undefined || zones.includes('local') || zones.includes('pickup')) return true
  if (country === undefined) return false
  if (zones.includes(country) || (region !== undefined && zones.includes(region))) return true
  if (home === undefined) return false
  return zones.includes(country === home ? 'domestic' : 'international')
}
