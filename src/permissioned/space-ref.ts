import { isValidDid, isValidNsid, isValidRecordKey } from '@atproto/syntax'

/** A permissioned space: the account that decides about it, its kind, and its key among those. */
export type SpaceRef = { authority: string; type: string; skey: string }

/** A record in a space: the space's URI, the account in whose repo it is, and its path there. */
export type SpaceRecordRef = { space: string; author: string; collection: string; rkey: string }

const SCHEME = 'at://'
/** As long as any URI may be (https://atproto.com/specs/at-uri-scheme). */
const URI_MAX = 8_192

/**
 * Reads `at://{authority}/space/{type}/{skey}` (proposal 0016, "Space"); undefined unless every
 * part is valid. The literal `space` has no dot, so no URI of a public record reads as one.
 */
export function parseSpace(uri: string): SpaceRef | undefined {
  const [authority = '', marker, type = '', skey = '', ...more] = partsOf(uri)
  if (marker !== 'space' || more.length > 0) return undefined
  if (!isValidDid(authority) || !isValidNsid(type) || !isValidRecordKey(skey)) return undefined
  return { authority, type, skey }
}

/** The URI of a space, which `parseSpace` reads back. */
export function spaceUri({ authority, type, skey }: SpaceRef): string {
  return `${SCHEME}${authority}/space/${type}/${skey}`
}

/**
 * Reads `at://{authority}/space/{type}/{skey}/{author}/{collection}/{rkey}` (proposal 0016);
 * undefined unless every part is valid.
 */
export function parseSpaceRecord(uri: string): SpaceRecordRef | undefined {
  const parts = partsOf(uri)
  const [author = '', collection = '', rkey = ''] = parts.slice(4)
  const space = `${SCHEME}${parts.slice(0, 4).join('/')}`
  if (parts.length !== 7 || parseSpace(space) === undefined) return undefined
  if (!isValidDid(author) || !isValidNsid(collection) || !isValidRecordKey(rkey)) return undefined
  return { space, author, collection, rkey }
}

/** The URI of a record in a space, which `parseSpaceRecord` reads back. */
export function spaceRecordUri(
  space: string,
  author: string,
  collection: string,
  rkey: string,
): string {
  return `${space}/${author}/${collection}/${rkey}`
}

function partsOf(uri: string): string[] {
  if (!uri.startsWith(SCHEME) || uri.length > URI_MAX) return []
  return uri.slice(SCHEME.length).split('/')
}
