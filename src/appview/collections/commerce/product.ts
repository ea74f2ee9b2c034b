import { co } from '../../../lexicons/index.ts'
import { type Look, collection, flag, instant, list, part, text, timestamp } from '../../define.ts'
import { plainText } from '../../plain-text.ts'
import { isSlug, slugFrom } from '../../slug.ts'
import { isCurrency } from './currency.ts'

type Product = co.kendev.commerce.product.Main
type Pricing = co.kendev.commerce.product.Pricing

/** What each product type belongs to (`domain.md` §2.2). */
const GROUPS: Readonly<Record<string, string>> = {
  ai_print_demand: 'physical',
  physical: 'physical',
  digital_download: 'digital',
  course_training: 'digital',
  subscription: 'subscription',
  consultation_solo: 'booking',
  group_event: 'booking',
  livekit_stream: 'booking',
  business_service: 'service',
  automation: 'service',
}

/** Something on offer, in the repo of whoever sells it. What is in stock follows from stock
 *  movements and what others earn from a sale is nobody else's business, so neither is here. */
export const product = collection({
  record: co.kendev.commerce.product,
  table: 'product',
  columns: {
    title: text(),
    words: text(),
    productType: text(),
    status: text(),
    slug: text(),
    formerSlugs: list(),
    skus: list(),
    featured: flag(),
    categories: list(),
    gallery: list(),
    createdAt: timestamp(),
    content: part<Product>(),
  },
  indexes: [
    ['did', 'createdAt'],
    ['did', 'slug'],
  ],
  search: ['title', 'words'],
  media: ['gallery'],
  access: { places: 'either', of: 'both', audience: 'staff', manage: 'manage_space' },
  machine: {
    field: 'status',
    initial: ['active', 'draft'],
    byRecord: true,
    moves: [
      { from: ['draft', 'out_of_stock', 'archived'], to: 'active' },
      { from: ['active'], to: 'out_of_stock' },
      { from: ['active', 'out_of_stock'], to: 'archived' },
    ],
  },

  accept({ record, place }) {
    if (place === '' && record.status === 'draft') return 'NotPublic'
    if (![record.slug ?? 'none', ...(record.formerSlugs ?? [])].every(isSlug)) return 'BadSlug'
    const ids = (record.variants ?? []).map(({ id }) => id)
    if (new Set(ids).size !== ids.length) return 'VariantTwice'
    if (record.subscription && record.productType !== 'subscription') return 'NotASubscription'
    return record.pricing && unsound(record.pricing)
  },

  row: ({ record, rkey, claimed }) => ({
    title: record.title,
    words: wordsOf(record),
    productType: record.productType,
    status: record.status ?? 'active',
    slug: record.slug ?? slugFrom(record.title, rkey),
    formerSlugs: record.formerSlugs ?? [],
    skus: skusOf(record),
    featured: record.featured ?? false,
    categories: record.categories ?? [],
    gallery: (record.gallery ?? []).map(({ media }) => media),
    createdAt: claimed(record.createdAt),
    content: record,
  }),

  view: ({ content, ...row }, look): Omit<co.kendev.commerce.defs.ProductView, 'nextStates'> => ({
    uri: row.uri,
    cid: row.cid,
    owner: row.did,
    tenant: content.tenant,
    title: row.title,
    description: content.description,
    productType: row.productType,
    type: Object.hasOwn(GROUPS, row.productType) ? GROUPS[row.productType]! : 'other',
    categories: content.categories,
    gallery: content.gallery?.map((item) => galleryItemView(item, look)),
    primaryImage: primaryImage(content, look),
    pricing: content.pricing,
    effectivePrice: content.pricing && {
      amount: effectivePrice(content.pricing),
      currency: content.pricing.currency,
    },
    variants: content.variants,
    hasVariants: (content.variants ?? []).length > 0,
    subscription: content.subscription,
    inventory: content.inventory,
    serviceDetails: content.serviceDetails,
    shipping: content.shipping,
    taxable: content.taxable,
    taxCategory: content.taxCategory,
    details: content.details,
    tags: content.tags,
    relatedProducts: content.relatedProducts,
    layout: content.layout,
    meta: content.meta,
    status: row.status,
    featured: row.featured,
    slug: row.slug,
    sku: content.sku,
    publishedAt: content.publishedAt,
    createdAt: instant(row.createdAt),
    updatedAt: content.updatedAt,
    indexedAt: instant(row.indexedAt),
  }),

  get: co.kendev.commerce.getProduct,
  lists: [
    {
      query: co.kendev.commerce.listProducts,
      newest: 'createdAt',
      where: {
        owner: 'did',
        productType: 'productType',
        category: ['has', 'categories'],
        status: 'status',
        featured: 'featured',
        sku: ['has', 'skus'],
        q: ['matches', 'search'],
      },
    },
  ],
  examples: {
    good: [
      {
        record: offer({
          title: 'Oil change',
          productType: 'business_service',
          pricing: { basePrice: 4900, salePrice: 3900, compareAtPrice: 4900, currency: 'EUR' },
          serviceDetails: { duration: 30, location: 'onsite', bookingRequired: true },
        }),
      },
      {
        record: offer({
          slug: 'garage-shirt',
          pricing: { basePrice: 2500, currency: 'USD' },
          variants: [
            { id: 's', name: 'Small', options: [{ name: 'size', value: 'S' }], sku: 'SH-S' },
            { id: 'xxl', name: 'Wide', options: [{ name: 'size', value: 'XXL' }], price: 2900 },
          ],
        }),
      },
      { record: offer({ title: 'Price on request', status: 'archived' }) },
    ],
    bad: {
      NotPublic: { record: offer({ status: 'draft' }) },
      BadSlug: { record: offer({ slug: 'Garage Shirt' }) },
      VariantTwice: { record: offer({ variants: [variant('s'), variant('m'), variant('s')] }) },
      NotASubscription: { record: offer({ subscription: { interval: 'monthly' } }) },
      UnknownCurrency: { record: offer({ pricing: { basePrice: 2500, currency: 'usd' } }) },
      SaleAboveBase: {
        record: offer({ pricing: { basePrice: 2500, salePrice: 2501, currency: 'USD' } }),
      },
      CompareBelowPrice: {
        record: offer({ pricing: { basePrice: 2500, compareAtPrice: 2500, currency: 'USD' } }),
      },
    },
  },
})

/** What a product is found by beside its title: its description, tags and numbers. */
function wordsOf(record: Product): string {
  const tags = (record.tags ?? []).map(({ tag }) => tag)
  return [plainText(record.description), ...tags, ...skusOf(record)]
    .filter((text) => text !== '')
    .join(' ')
}

/** The seller's numbers of a product and of its variants. */
function skusOf({ sku, variants = [] }: Product): string[] {
  return [sku, ...variants.map((variant) => variant.sku)].filter((one) => one !== undefined)
}

function unsound(pricing: Pricing): string | undefined {
  const { basePrice, salePrice, compareAtPrice, currency } = pricing
  if (!isCurrency(currency)) return 'UnknownCurrency'
  if (salePrice !== undefined && salePrice > basePrice) return 'SaleAboveBase'
  if (compareAtPrice !== undefined && compareAtPrice <= effectivePrice(pricing))
    return 'CompareBelowPrice'
  return undefined
}

/** What is asked now, in minor units. */
function effectivePrice({ basePrice, salePrice }: Pricing): number {
  return salePrice ?? basePrice
}

/** The gallery's own words about a picture come before those of the media record. */
function galleryItemView(
  item: co.kendev.commerce.product.GalleryItem,
  look: Pick<Look, 'media'>,
): co.kendev.commerce.defs.GalleryItemView {
  const medium = look.media(item.media)
  return {
    media: item.media,
    url: medium?.url,
    alt: item.alt ?? medium?.alt,
    caption: item.caption ?? medium?.caption,
    kind: item.kind,
  }
}

function primaryImage(
  { gallery = [] }: Product,
  look: Pick<Look, 'media'>,
): co.kendev.content.defs.ImageView | undefined {
  const first = gallery.find(({ kind = 'image' }) => kind === 'image')
  const medium = first && look.media(first.media)
  if (!first || !medium) return undefined
  const { media, alt = medium.alt, caption = medium.caption } = first
  return { ...medium, media, alt, caption }
}

function offer(content: Partial<Product>): Omit<Product, '$type'> {
  const shirt = { title: 'Garage shirt', productType: 'ai_print_demand' }
  return { ...shirt, createdAt: '2026-11-23T10:00:00Z', ...content }
}

function variant(id: string): co.kendev.commerce.product.Variant {
  return { id, name: `Size ${id}` }
}
