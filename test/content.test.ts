import { expect, test } from 'vitest'
import { product } from '../src/appview/collections/commerce/product.ts'
import { category } from '../src/appview/collections/content/category.ts'
import { media } from '../src/appview/collections/content/media.ts'
import { post } from '../src/appview/collections/content/post.ts'
import type { Collection } from '../src/appview/define.ts'
import { createLoads } from '../src/appview/loads.ts'
import { present } from '../src/appview/look.ts'
import { imageFacts } from '../src/appview/methods/content/get-image.ts'
import { categoryViews } from '../src/appview/methods/content/read-categories.ts'
import { findRow, listRows } from '../src/appview/serve-list.ts'
import { appViewDatabase } from './appview-database.ts'
import { rev, writeOf } from './record.ts'

const SHOP = 'did:plc:shop'
const ORIGIN = 'https://node.example'
const FILE = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
const AT = '2026-11-23T10:00:00Z'

test('a product shows its pictures once their media records are known', async () => {
  const shop = await open()
  const picture = uriOf(media, 'pic')
  const gallery = [
    { media: uriOf(media, 'pdf'), kind: 'document' },
    { media: picture, alt: 'Its front' },
  ]
  await shop.write(product, 'shirt', { title: 'Shirt', productType: 'physical', gallery })
  const before = await shop.view(product, 'shirt')
  expect(before).toMatchObject({ gallery: [{ kind: 'document' }, { alt: 'Its front' }] })
  expect(before).not.toHaveProperty('primaryImage.url')
  await shop.write(media, 'pic', {
    file: blob('image/png'),
    alt: 'A shirt',
    width: 2800,
    height: 1000,
  })
  await shop.write(media, 'pdf', { file: blob('application/pdf') })
  const rendition = `${ORIGIN}/xrpc/co.kendev.content.getImage?did=did%3Aplc%3Ashop&cid=${FILE}&size=large`
  expect(await shop.view(product, 'shirt')).toMatchObject({
    gallery: [{ url: expect.stringContaining('com.atproto.sync.getBlob') }, { url: rendition }],
    primaryImage: { media: picture, url: rendition, alt: 'Its front', width: 1400, height: 500 },
  })
})

test.each([
  ['ai_print_demand', 'physical'],
  ['course_training', 'digital'],
  ['group_event', 'booking'],
  ['automation', 'service'],
  ['constructor', 'other'],
])('a product of type %s belongs to the group %s', async (productType, type) => {
  const shop = await open()
  await shop.write(product, 'one', { title: 'One', productType })
  expect(await shop.view(product, 'one')).toMatchObject({ type, hasVariants: false, slug: 'one' })
})

test('the price asked is the sale price where there is one', async () => {
  const shop = await open()
  const pricing = { basePrice: 2500, salePrice: 0, compareAtPrice: 1, currency: 'JPY' }
  await shop.write(product, 'gift', { title: 'Gift', productType: 'physical', pricing })
  const price = { amount: 0, currency: 'JPY' }
  expect(await shop.view(product, 'gift')).toMatchObject({ effectivePrice: price })
})

test('products are found by words, category, type, state and whether they are featured', async () => {
  const shop = await open()
  const [tyres, oils] = [uriOf(category, 'tyres'), uriOf(category, 'oils')]
  const description = [{ $type: 'co.kendev.defs#paragraph', text: 'Keeps its grip on snow.' }]
  const offers = {
    winter: { title: 'Winter tyre', productType: 'physical', categories: [tyres], description },
    summer: { title: 'Summer tyre', productType: 'physical', categories: [tyres], featured: true },
    change: {
      title: 'Oil change',
      productType: 'business_service',
      categories: [oils, tyres],
      status: 'archived',
    },
  }
  for (const [rkey, record] of Object.entries(offers)) await shop.write(product, rkey, record)
  expect(await shop.list(product, { q: 'tyre' })).toEqual(['summer', 'winter'])
  expect(await shop.list(product, { q: 'tyre -summer' })).toEqual(['winter'])
  expect(await shop.list(product, { q: 'snow GRIP' })).toEqual(['winter'])
  expect(await shop.list(product, { q: `"' | & !( tyre:` })).toEqual(['summer', 'winter'])
  expect(await shop.list(product, { q: 'ty\0re' })).toEqual([])
  expect(await shop.list(product, { category: tyres })).toHaveLength(3)
  expect(await shop.list(product, { category: oils })).toEqual(['change'])
  expect(await shop.list(product, { productType: 'business_service' })).toEqual(['change'])
  expect(await shop.list(product, { status: 'active', featured: false })).toEqual(['winter'])
  expect(await shop.list(product, { owner: 'did:plc:other' })).toEqual([])
})

test('a category has the path of all above it, whichever of them arrives first', async () => {
  const shop = await open()
  await shop.write(category, 'c', { name: 'Studded', parent: uriOf(category, 'b') })
  expect(await shop.place('c')).toEqual({ path: 'studded', depth: 0 })
  await shop.write(category, 'b', { name: 'Winter', slug: 'cold', parent: uriOf(category, 'a') })
  await shop.write(category, 'a', { name: 'Tyres' })
  expect(await shop.place('c')).toEqual({ path: 'tyres/cold/studded', depth: 2 })
  expect(await shop.place('a')).toEqual({ path: 'tyres', depth: 0 })
})

test('categories that are above themselves end where they began', async () => {
  const shop = await open()
  await shop.write(category, 'a', { name: 'A', parent: uriOf(category, 'b') })
  await shop.write(category, 'b', { name: 'B', parent: uriOf(category, 'a') })
  await shop.write(category, 'c', { name: 'C', parent: uriOf(category, 'a') })
  expect(await shop.place('a')).toEqual({ path: 'b/a', depth: 1 })
  expect(await shop.place('c')).toEqual({ path: 'b/a/c', depth: 2 })
})

test('no category is deeper than ten', async () => {
  const shop = await open()
  const names = 'a b c d e f g h i j k l m n o'.split(' ')
  for (const [n, name] of names.entries()) {
    await shop.write(category, name, { name, parent: uriOf(category, names[n - 1] ?? 'top') })
  }
  expect(await shop.place('o')).toEqual({ depth: 10, path: 'e/f/g/h/i/j/k/l/m/n/o' })
})

test('a post has a slug, an excerpt, authors and the time it went out', async () => {
  const shop = await open()
  const content = [{ $type: 'co.kendev.defs#paragraph', text: 'word '.repeat(100) }]
  const record = { title: 'Über uns!', content, publishedAt: '2099-01-01T00:00:00Z' }
  await shop.write(post, 'one', record)
  const view = (await shop.view(post, 'one')) as { excerpt: string; publishedAt: string }
  expect(view).toMatchObject({ slug: 'uber-uns', authors: [{ did: SHOP }] })
  expect(view.excerpt).toBe('word '.repeat(32).trim())
  expect(Date.parse(view.publishedAt)).toBeLessThan(Date.parse('2099-01-01'))
  expect(await shop.list(post, { author: SHOP })).toEqual(['one'])
  expect(await shop.list(post, { author: 'did:plc:other' })).toEqual([])
})

test('pictures inside a post are blobs again when it is read', async () => {
  const shop = await open()
  const image = { $type: 'co.kendev.defs#image', file: blob('image/png'), alt: 'A car' }
  await shop.write(post, 'one', { title: 'One', content: [image] })
  const view = (await shop.view(post, 'one')) as { content: [{ file: { ref: unknown } }] }
  expect(String(view.content[0].file.ref)).toBe(FILE)
})

test('the focal point of an image is its newest, and only shown accounts have images', async () => {
  const shop = await open()
  const facts = imageFacts(shop.pool)
  const picture = { file: blob('image/png'), alt: 'A car' }
  await shop.write(media, 'old', { ...picture, focalPoint: { x: 1, y: 2 }, createdAt: AT })
  await shop.write(media, 'new', {
    ...picture,
    focalPoint: { x: 3, y: 4 },
    createdAt: '2026-11-23T10:30:00Z',
  })
  expect(await facts.focalPoint(SHOP, FILE)).toEqual({ x: 3, y: 4 })
  expect(await facts.focalPoint('did:plc:other', FILE)).toBeUndefined()
  expect(await facts.isShown(SHOP)).toBe(false)
  await shop.pool.query(`insert into appview.account (did, "updatedAt") values ($1, now())`, [SHOP])
  expect(await facts.isShown(SHOP)).toBe(true)
  await shop.pool.query(`update appview.account set status = 'takendown' where did = $1`, [SHOP])
  expect(await facts.isShown(SHOP)).toBe(false)
})

async function open() {
  const database = await appViewDatabase()
  const { pool } = database
  let n = 2
  const row = async (c: Collection, rkey: string) =>
    (await findRow({ sql: pool, viewer: undefined }, c, uriOf(c, rkey)))!
  return {
    pool,
    async write(c: Collection, rkey: string, record: Record<string, unknown>) {
      const place = { collection: c.nsid, did: SHOP, rkey: rkeyOf(rkey), rev: rev(n++) }
      const outcome = await database.write(
        await writeOf({ ...place, record: { createdAt: AT, ...record } }),
      )
      expect(outcome).toBe('indexed')
    },
    async view(c: Collection, rkey: string) {
      return (await present(c, [await row(c, rkey)], { sql: pool, origin: ORIGIN }))[0]
    },
    async list(c: Collection, params: Record<string, unknown>) {
      const { rows } = await listRows({ sql: pool, viewer: undefined }, c, c.lists[0]!, params)
      return rows.map((r) => r.rkey.replace(/^3|2+$/g, '')).toSorted()
    },
    async place(rkey: string) {
      const rows = [await row(category, rkey)]
      const [view] = await categoryViews(rows, {
        sql: pool,
        loads: createLoads(pool),
        origin: ORIGIN,
      })
      return { path: view!.path, depth: view!.depth }
    },
  }
}

/** A record key that is a TID and still says its name. */
function rkeyOf(name: string): string {
  return `3${name.padEnd(12, '2')}`
}

function uriOf(c: Collection, name: string): string {
  return `at://${SHOP}/${c.nsid}/${rkeyOf(name)}`
}

/** A reference to the empty file, in JSON. */
function blob(mimeType: string) {
  return { $type: 'blob', ref: { $link: FILE }, mimeType, size: 0 }
}
