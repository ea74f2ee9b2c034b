import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { noteView } from '../../catalogue/product-figures.ts'
import { product } from '../../collections/commerce/product.ts'
import type { Row } from '../../define.ts'
import { present } from '../../look.ts'
import { notFound } from '../../not-found.ts'
import { visibleSql } from '../../readable.ts'
import { selectOf } from '../../serve-list.ts'
import { type Mount, type Reading, query } from '../../serve.ts'

/** `commerce.getProductBySlug`: by the name that a product has in links, or one that it had, where
 *  no other has it now (`domain.md` N-15). */
export function getProductBySlug(mount: Mount, deps: Reading & { clock: Clock }): void {
  const text = `select ${selectOf(product)}
    where t.did = $1 and (t.slug = $2 or t."formerSlugs" @> array[$2::text])
      and ${visibleSql(product, 't', '$3').join(' and ')}
    order by (t.slug = $2) desc, t."createdAt", t.uri limit 1`
  query(mount, co.kendev.commerce.getProductBySlug, async ({ params, viewer }) => {
    const { owner, slug } = params
    const asked = [owner, slug, viewer?.did ?? '']
    const { rows } = await deps.sql.query<Row>({ name: 'product-by-slug', text }, asked)
    const [view] = await present(product, rows, { ...deps, viewer: viewer?.did })
    if (!view) throw notFound(`product ${slug}`)
    // Counted beside the answer: a view more or less is not worth waiting for.
    noteView(deps.sql, rows[0]!.uri, deps.clock.now()).catch(() => {})
    return { product: view, isFormer: rows[0]!['slug'] !== slug } as never
  })
}
