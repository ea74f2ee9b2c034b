/** Where a record is: who wrote it, in which collection, under which key, and in which space. */
export type Reference = {
  /** The author's DID; in a permissioned uri that is not the authority. */
  readonly author: string
  readonly collection: string
  readonly rkey: string
  /** Set for a record in a permissioned repo. */
  readonly space?: { readonly authority: string; readonly type: string; readonly skey: string }
}

const DID = /^did:[a-z]+:[a-zA-Z0-9._:%-]+$/
const NSID = /^[a-zA-Z][a-zA-Z0-9-]*(\.[a-zA-Z][a-zA-Z0-9-]*){2,}$/
const RKEY = /^[a-zA-Z0-9._:~-]{1,512}$/

/** Reads `at://did/collection/rkey` and `at://did/space/type/skey/author/collection/rkey`.
 *  Undefined for anything else, handles included: a record is referred to by DIDs only. */
export function readReference(uri: string): Reference | undefined {
  if (uri.length > 1024 || !uri.startsWith('at://')) return undefined
  const parts = uri.slice(5).split('/')
  if (parts.length === 3) return located({}, parts)
  if (parts.length !== 7 || parts[1] !== 'space') return undefined
  const [authority = '', , type = '', skey = '', ...rest] = parts
  if (!DID.test(authority) || !NSID.test(type) || !RKEY.test(skey)) return undefined
  return located({ space: { authority, type, skey } }, rest)
}

function located(space: Pick<Reference, 'space'>, parts: readonly string[]): Reference | undefined {
  const [author = '', collection = '', rkey = ''] = parts
  if (!DID.test(author) || !NSID.test(collection) || !RKEY.test(rkey)) return undefined
  if (rkey === '.' || rkey === '..') return undefined
  return { ...space, author, collection, rkey }
}

/** The uri of a record in an ordinary repo. The tables know every record by it, wherever it is: who
 *  moves one keeps its author, collection and key, and what refers to it goes on doing so. */
export function recordUri(did: string, collection: string, rkey: string): `at://${string}` {
  return `at://${did}/${collection}/${rkey}`
}

/** The uri by which the tables know the record that `uri` names; what names none stays as it is. */
export function knownUri(uri: string): string {
  const found = readReference(uri)
  return found ? recordUri(found.author, found.collection, found.rkey) : uri
}

/** The uri that leads to a record: `uri` is the one the tables know it by, `place` its permissioned
 *  space, or empty when it stands in a public repo. */
export function uriIn(place: string, uri: string): `at://${string}` {
  return place === '' ? (uri as `at://${string}`) : `${place as 'at://'}/${uri.slice(5)}`
}

/** The permissioned space a reference leads into; empty for a public repo. */
export function placeOf({ space }: Reference): string {
  return space ? `at://${space.authority}/space/${space.type}/${space.skey}` : ''
}
