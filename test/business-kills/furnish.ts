import type { SqlPool } from '../../src/database/sql.ts'
import { caller, foundTenant } from '../business-node.ts'
import { ENTERPRISE, shop } from '../booking-world.ts'
import { COMMERCE, OWNER, SHOP } from '../order-stage.ts'

const ON_HAND = 5_000

/** Opens a shop with two things to sell and a venue to book; answers their uris, and how many there
 *  are of each thing. */
export async function furnishShop(
  pool: SqlPool,
  url: string,
): Promise<{ products: string[]; stocked: Map<string, number>; venue: string }> {
  await foundTenant({ pool }, { tenant: SHOP, staff: { [OWNER]: 'tenant_admin' } })
  const owner = caller(url, OWNER)
  await owner.call(`${COMMERCE}.putStoreSettings`, {
    tenant: SHOP,
    settings: {
      currency: 'EUR',
      updatedAt: new Date().toISOString(),
      taxRates: [{ name: 'VAT', region: 'DE', rateBp: 1_900 }],
      shippingMethods: [{ id: 'post', name: 'Post', amount: 490 }],
    },
  })
  const products: string[] = []
  const stocked = new Map<string, number>()
  for (const title of ['Speakers', 'Cables']) {
    const { uri } = await owner.call<{ uri: string }>(`${COMMERCE}.putProduct`, {
      tenant: SHOP,
      product: {
        title,
        productType: 'physical',
        pricing: { basePrice: 1_003, currency: 'EUR' },
        inventory: { trackQuantity: true },
        createdAt: new Date().toISOString(),
      },
    })
    await owner.call(`${COMMERCE}.adjustStock`, {
      tenant: SHOP,
      product: uri,
      delta: ON_HAND,
      reason: 'received',
      idempotencyKey: title,
    })
    products.push(uri)
    stocked.set(uri.split('/').at(-1)!, ON_HAND)
  }
  return { products, stocked, venue: await openVenue(owner) }
}

/** A venue with two bays and three people who work there. */
async function openVenue(owner: ReturnType<typeof caller>): Promise<string> {
  const { uri } = await owner.call<{ uri: string }>(`${ENTERPRISE}.putVenue`, {
    tenant: SHOP,
    venue: shop(),
  })
  for (const user of ['did:plc:ann', 'did:plc:bob', 'did:plc:cyd'])
    await owner.call(`${ENTERPRISE}.putVenueStaff`, {
      tenant: SHOP,
      staff: {
        $type: `${ENTERPRISE}.venueStaff`,
        venue: uri,
        user,
        workStation: { canFloatBays: true },
        createdAt: new Date().toISOString(),
      },
    })
  return uri
}
