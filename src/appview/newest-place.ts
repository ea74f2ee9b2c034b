import type { Kept } from './index-record.ts'
import { type Judged, keyOf } from './keep-record.ts'
import type { Sql } from './sql.ts'

/** For versions that have just been kept, where another place holds a newer one of the same record
 *  that is there: that one counts. Its author has moved it, or is about to. Keyed as `keyOf` the
 *  version that does not count. */
export async function newerElsewhere(
  tx: Sql,
  versions: readonly Judged[],
): Promise<ReadonlyMap<string, Kept>> {
  if (versions.length === 0) return new Map()
  const keys = versions.map(({ did, collection, rkey, place = '' }) => [
    did,
    collection,
    rkey,
    place,
  ])
  const columns = [0, 1, 2, 3].map((n) => keys.map((key) => key[n]))
  const { rows } = await tx.query<Kept & { not: string }>(ELSEWHERE, columns)
  const found = new Map<string, Kept>()
  for (const { not, ...other } of rows) {
    const key = keyOf({ ...other, place: not })
    const before = found.get(key)
    if (!before || before.rev < other.rev) found.set(key, other)
  }
  for (const version of versions) {
    const other = found.get(keyOf(version))
    if (other && version.cid !== null && !isNewer(other, version)) found.delete(keyOf(version))
  }
  return found
}

/** Of two of the same revision, the one in the permissioned space: fewer see it. */
function isNewer(other: Kept, version: Judged): boolean {
  if (other.rev !== version.rev) return other.rev > version.rev
  return (other.place ?? '') > (version.place ?? '')
}

const ELSEWHERE = `with v as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
      as v(did, collection, rkey, place))
  select r.did, r.collection, r.rkey, '' as place, r.rev, r.cid, r.bytes, r."indexedAt",
    v.place as "not"
  from v join appview.record r using (did, collection, rkey)
  where v.place <> '' and r.cid is not null
  union all
  select s.did, s.collection, s.rkey, s.place, s.rev, s.cid, s.bytes, s."indexedAt",
    v.place as "not"
  from v join appview."spaceRecord" s using (did, collection, rkey)
  where s.place <> v.place and s.cid is not null`
