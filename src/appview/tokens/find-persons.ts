import type { Sql } from '../sql.ts'

/** The buckets of people in the snapshots that epochs pin. */
export type Persons = {
  /** 0 for whoever is not in the snapshot. */
  bucketOf(epochId: string, did: string): number
}

/** Looks up people in the snapshots that these epochs name by their content hash. */
export async function findPersons(
  sql: Sql,
  epochIds: readonly string[],
  dids: readonly string[],
): Promise<Persons> {
  const asked = [[...new Set(epochIds)], [...new Set(dids)]] as const
  const { rows } = await sql.query<Found>({ name: 'token persons', text: PERSONS }, [...asked])
  const buckets = new Map(rows.map(({ id, did, bucket }) => [`${id} ${did}`, bucket]))
  return { bucketOf: (epochId, did) => buckets.get(`${epochId} ${did}`) ?? 0 }
}

type Found = { id: string; did: string; bucket: number }

const PERSONS = `select e.id, x->>'did' as did, (x->>'bucket')::int as bucket
  from appview."tokenEpoch" e
  join node."tokenEpoch" k on k.id = e.id
  join appview."tokenPersonhood" p on p.cid = e.content->>'personhood' and p.did = e.did,
  jsonb_array_elements(p.content->'persons') x
  where e.id = any($1) and x->>'did' = any($2)`
