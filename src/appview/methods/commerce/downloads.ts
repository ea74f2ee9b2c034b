import type { Readable } from 'node:stream'
import type { Clock } from '../../../clock.ts'
import type { Outbox } from '../../../jobs/jobs.ts'
import { co } from '../../../lexicons/index.ts'
import { order as orders } from '../../collections/commerce/order.ts'
import type { SignedLinks } from '../../business/signed-links.ts'
import { DOWNLOADS, DOWNLOAD_LINK } from '../../downloads/download-routes.ts'
import { fetchedOf, grantsOf, subjectOf } from '../../downloads/grants.ts'
import { requireAsker } from '../../orders/order-access.ts'
import { recordUri } from '../../reference.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'
import { requireTenantPermission } from '../../tenant-access.ts'
import { withinStorage } from '../../tenant-storage.ts'

type Deps = Reading & {
  readonly clock: Clock
  readonly links: SignedLinks
  readonly outbox: Outbox
  readonly uploadBlob: (blob: {
    did: string
    content: Readable
    mimeType: string
  }) => Promise<{ readonly size: number }>
}

/** For how long a link to a file is good; a new one is had by asking again. */
const LINK_MS = 86_400_000

/** `commerce.getDownloads`, for whoever may see the order, and `uploadProductFile`. */
export function downloads(mount: Mount, deps: Deps): void {
  const { sql, clock, links, origin } = deps

  query(mount, co.kendev.commerce.getDownloads, async ({ params, viewer }) => {
    const ask = { uri: params.order, viewer: viewer?.did, link: params.link }
    const { at } = await requireAsker(deps, ask)
    const order = recordUri(at.tenant, orders.nsid, at.rkey)
    const now = clock.now()
    const [grants, fetched] = await Promise.all([grantsOf(sql, order, now), fetchedOf(sql, order)])
    const items = grants.map((grant) => {
      const { line, product, file, limit, until } = grant
      const ends = new Date(Math.min(until.getTime(), now.getTime() + LINK_MS))
      const link = { purpose: DOWNLOAD_LINK, subject: subjectOf(grant), until: ends }
      return {
        line,
        product,
        name: file.name,
        ...(file.description !== undefined && { description: file.description }),
        mimeType: file.mimeType,
        size: file.size,
        url: `${origin}${DOWNLOADS}${links.sign(link)}`,
        left: Math.max(0, limit - (fetched.get(`${line} ${file.cid}`) ?? 0)),
        until: until.toISOString(),
      }
    })
    return { items } as never
  })

  procedure(mount, co.kendev.commerce.uploadProductFile, async (call) => {
    const { params, input, encoding, length, viewer } = call
    const { tenant } = params as { tenant: string }
    const permission = 'manage_products'
    await requireTenantPermission(sql, { tenant, did: viewer.did, permission })
    const content = input as unknown as Readable
    const upload = () => deps.uploadBlob({ did: tenant, content, mimeType: encoding })
    return { blob: await withinStorage(deps, { about: tenant, length }, upload) } as never
  })
}
