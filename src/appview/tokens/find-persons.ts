import type { Sql } from '../sql.ts'

/** People in the snapshots that epochs pin. */
export type Persons = {
  /** 0 for whoever is not in the snapshot. */
  bucketOf(epochId: string, did: string): number
  /** Undefined for whoever is not in the snapshot. */
  clusterOf(epochId: string, did: string): string | undefined
}

/** Looks up people in the snapshots that these epochs name by their content hash. */
export async function findPersons(
  sql: Sql,
  epochIds: readonly string[],
  dids: readonly string[],
): Promise<Persons> {
  const asked = [[...new Set(epochIds)], [...new Set(dids)]] as const
  const { rows } = await sql.query<Found>({ name: 'token persons', text: PERSONS }, [...asked])
  const found = new Map(rows.map((row) => [`${row.id} ${row.did}`, row]))
  return {
    bucketOf: (epochId, did) => found.get(`${epochId} ${did}`)?.bucket ?? 0,
    clusterOf: (epochId, did) => found.get(`${epochId} ${did}`)?.cluster,
  }
}

type Found = { id: string; did: string; bucket: number; cluster: string }

const PERSONS = `select e.id, x->>'did' as did, (x->>'bucket')::int as bucket,
    x->>'cluster' as cluster
  from appview."tokenEpoch" e
  join node."tokenEpoch" k on k.id = e.id
  join appview."tokenPersonhood" p on p.cid = e.content->>'personhood' and p.did = e.did,
  jsonb_array_elements(p.content->'persons') x
  where e.id = any($1) and x->>'did' = any($2)`
