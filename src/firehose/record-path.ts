import { isValidNsid, isValidRecordKey } from '@atproto/syntax'

/** Collection and record key of a path in a repo; undefined unless both are valid. */
export function splitPath(path: string): { collection: string; rkey: string } | undefined {
  const slash = path.indexOf('/')
  const collection = path.slice(0, Math.max(slash, 0))
  const rkey = path.slice(slash + 1)
  return isValidNsid(collection) && isValidRecordKey(rkey) ? { collection, rkey } : undefined
}
