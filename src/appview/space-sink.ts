import type { Clock } from '../clock.ts'
import type { SpacePart, SpaceSink } from '../permissioned/sink.ts'
import { isActive } from '../firehose/standing.ts'
import { lockAccounts } from './account.ts'
import type { Indexer } from './index-record.ts'
import type { Progress } from './progress.ts'
import { type Sql, type SqlPool, transaction } from './sql.ts'

type Options = {
  readonly pool: SqlPool
  readonly indexer: Indexer
  readonly progress: Pick<Progress, 'advance'>
  readonly clock: Clock
  /** Told the accounts that records now shown name, and their author. */
  readonly named: (dids: readonly string[]) => void
}

/** Where permissioned repos come into the views, whichever way they came to this node: records go
 *  the way of public ones, and how far a repo is held moves in the same transaction. */
export function createSpaceSink(options: Options): SpaceSink {
  const { pool, progress, named } = options
  return {
    async stateOf(space, did) {
      const { rows } = await pool.query<{ rev: string; setHash: Buffer }>(STATE, [space, did])
      return rows[0]
    },
    async held(space, did, after, limit) {
      const { rows } = await pool.query<{ path: string; cid: string }>(HELD, [
        space,
        did,
        after,
        limit,
      ])
      return rows
    },
    async page(part) {
      named(await transaction(pool, (tx) => take(tx, options, part, true)))
    },
    async apply({ setHash, ...batch }) {
      const { space, did, rev } = batch
      const found = await transaction(pool, async (tx) => {
        const { rows } = await tx.query<{ rev: string }>(`${STATE} for update`, [space, did])
        if (rows[0] && rows[0].rev >= rev) return undefined
        const names = await take(tx, options, batch, false)
        await tx.query(MOVE, [space, did, rev, setHash, options.clock.now()])
        return names
      })
      progress.advance(new Map([[did, rev]]), space)
      if (found) named(found)
    },
    async forget(space, did) {
      await transaction(pool, (tx) => forget(tx, options.indexer, { space, did }))
    },
  }
}

const STATE = 'select rev, "setHash" from appview."spaceRepo" where place = $1 and did = $2'

const MOVE = `insert into appview."spaceRepo" as r (place, did, rev, "setHash", "updatedAt")
  values ($1, $2, $3, $4, $5)
  on conflict (place, did) do update set rev = excluded.rev, "setHash" = excluded."setHash",
    "updatedAt" = excluded."updatedAt" where r.rev < excluded.rev`

const PATH = `(collection || '/' || rkey) collate "C"`
const HELD = `select collection || '/' || rkey as path, cid from appview."spaceRecord"
  where place = $1 and did = $2 and cid is not null and ${PATH} > $3 order by ${PATH} limit $4`

/** Indexes the writes; a repo that is taken over whole wins over what was held of the same rev. */
async function take(
  tx: Sql,
  { indexer, clock }: Options,
  { space: place, did, writes }: SpacePart,
  force: boolean,
): Promise<string[]> {
  const now = clock.now()
  const standing = (await lockAccounts(tx, [did])).held.get(did)
  const hidden = standing !== undefined && !isActive(standing)
  const all = writes.map((write) => ({ ...write, did, place, hidden }))
  const { named } = await indexer.writeAll(tx, all, { now, force })
  return [did, ...named]
}

const PAGE = 1_000

/** Takes everything of a space, or of one repo in it, out of the views, and then what was kept. */
async function forget(
  tx: Sql,
  indexer: Indexer,
  { space, did }: { space: string; did: string | undefined },
): Promise<void> {
  const whose = did === undefined ? '' : ' and did = $2'
  const values = did === undefined ? [space] : [space, did]
  for (let after = ['', '', '']; ;) {
    const { rows } = await tx.query<{ did: string; collection: string; rkey: string; rev: string }>(
      `select did, collection, rkey, rev from appview."spaceRecord"
       where place = $1${whose} and cid is not null
         and (did, collection, rkey) > ($${values.length + 1}, $${values.length + 2},
           $${values.length + 3})
       order by did, collection, rkey limit ${PAGE}`,
      [...values, ...after],
    )
    const gone = rows.map((row) => ({ ...row, place: space, cid: null, bytes: null }))
    await indexer.writeAll(tx, gone, { now: new Date(0), force: true })
    const last = rows.at(-1)
    if (!last) break
    after = [last.did, last.collection, last.rkey]
  }
  for (const table of ['spaceRecord', 'spaceRepo'])
    await tx.query(`delete from appview."${table}" where place = $1${whose}`, values)
}
