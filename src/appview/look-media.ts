import { getMain, type l } from '@atproto/lex'
import { co } from '../lexicons/index.ts'
import type { Look, Medium } from './define.ts'
import { type SizeName, hasRenditions, renditionSize } from './images/sizes.ts'
import type { Sql } from './sql.ts'
import { nsid } from '../permissioned/wire.ts'

type Found = {
  uri: string
  did: string
  pds: string | null
  file: string
  mimeType: string
  content: Pick<co.kendev.content.media.Main, 'alt' | 'caption' | 'width' | 'height'>
}

/** Finds the files of these media records at once, as views show them beside something else. */
export async function findMedia(
  { sql, origin }: { readonly sql: Sql; readonly origin: string },
  uris: readonly string[],
): Promise<Look['media']> {
  if (uris.length === 0) return () => undefined
  const { rows } = await sql.query<Found>(MEDIA, [[...new Set(uris)]])
  const found = new Map(rows.map((row) => [row.uri, mediumOf(row, origin)]))
  return (uri) => found.get(uri)
}

const MEDIA = {
  name: 'media',
  text: `select m.uri, m.did, a.pds, m.file, m."mimeType", m.content
    from appview.media m left join appview.account a on a.did = m.did
    where m.uri = any($1)`,
}

/** Where this node serves a rendition of an image. */
export function renditionUrl(
  origin: string,
  did: string,
  cid: string,
  size: SizeName,
): l.UriString {
  const { nsid } = getMain(co.kendev.content.getImage)
  return `${origin}/xrpc/${nsid}?${String(new URLSearchParams({ did, cid, size }))}` as l.UriString
}

/** Where the blob itself is: at its account's PDS, or here while that is not known. One of a record
 *  in a permissioned space is given to those only who may read the space. */
export function blobUrl(
  host: string,
  { did, cid, place = '' }: { did: string; cid: string; place?: string },
): l.UriString {
  const [method, params] =
    place === ''
      ? ['com.atproto.sync.getBlob', { did, cid }]
      : [nsid.getBlob, { space: place, repo: did, cid }]
  return `${host}/xrpc/${method}?${String(new URLSearchParams(params))}` as l.UriString
}

function mediumOf({ did, pds, file, mimeType, content }: Found, origin: string): Medium {
  const { alt, caption, width, height } = content
  if (!hasRenditions(mimeType)) {
    return { url: blobUrl(pds ?? origin, { did, cid: file }), alt, caption, width, height }
  }
  const size = width && height ? renditionSize({ width, height }, 'large') : undefined
  return { url: renditionUrl(origin, did, file, 'large'), alt, caption, ...size }
}
