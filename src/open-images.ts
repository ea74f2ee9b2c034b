import { join } from 'node:path'
import { openImageCache } from './appview/images/cache.ts'
import { createBlobs } from './appview/images/fetch-blob.ts'
import { createImages } from './appview/images/images.ts'
import { type ImageDeps, imageFacts } from './appview/methods/content/get-image.ts'
import type { Sql } from './appview/sql.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { NodePds } from './open-pds.ts'
import type { Outbound } from './outbound/fetch.ts'

const CACHE_MAX_BYTES = 2_000_000_000

/** Puts together what serves images: blobs of this node's accounts from its own store, others' from
 *  their PDS, renditions kept in the data folder. */
export async function openImages(options: {
  sql: Sql
  pds: NodePds
  outbound: Outbound
  dataDir: string
  clock: Clock
  log: Log
}): Promise<ImageDeps> {
  const { sql, pds, outbound, dataDir, clock, log } = options
  const folder = join(dataDir, 'cache', 'images')
  const cache = await openImageCache({ folder, maxBytes: CACHE_MAX_BYTES, clock, log })
  const pdsOf = async (did: string) => {
    const { rows } = await sql.query<{ pds: string | null }>(
      { name: 'pds', text: 'select pds from appview.account where did = $1' },
      [did],
    )
    return rows[0]?.pds ?? undefined
  }
  const blobs = createBlobs({ pdsOf, outbound, log, local: pds.loadBlob })
  return { images: createImages({ blobs, cache }), ...imageFacts(sql) }
}
