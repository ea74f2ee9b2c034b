import type { Sql, SqlPool } from '../../database/sql.ts'
import type { SignBytes } from '../format/commit.ts'
import { type RepoAt, commitOf, createRepoReads } from './repo-reads.ts'
import { writeRepoCar } from '../format/write-repo-car.ts'

const PAGE = 500

/**
 * A repo as it is at one moment, as a CAR (`getRepo`), read by pages while it is sent. One
 * connection is lent until the end, or until the reader lets go. Undefined without a repo.
 */
export async function exportCar(
  pool: SqlPool,
  options: RepoAt & { sign: SignBytes; excludeValues?: boolean },
): Promise<AsyncGenerator<Uint8Array> | undefined> {
  if (!(await createRepoReads(pool).stateOf(options))) return undefined
  return carOf(pool, options)
}

async function* carOf(
  pool: SqlPool,
  options: RepoAt & { sign: SignBytes; excludeValues?: boolean },
): AsyncGenerator<Uint8Array> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin transaction isolation level repeatable read, read only')
    const head = await createRepoReads(client).stateOf(options)
    if (!head) throw new Error('the repo was deleted while it was read')
    const commit = await commitOf(options, head, options.sign)
    const index = entries(client, options)
    yield* writeRepoCar(
      options.excludeValues
        ? { commit, index }
        : { commit, index, blocks: blocks(client, options) },
    )
  } finally {
    await client.query('rollback').catch((error: Error) => (broken = error))
    client.release(broken)
  }
}

type Entry = { collection: string; rkey: string; cid: string }

/** In the order of DAG-CBOR: the shortest path first, then byte by byte. */
async function* rows(client: Sql, name: string, at: RepoAt): AsyncGenerator<Entry[]> {
  await client.query(
    `declare ${name} no scroll cursor for
     select collection, rkey, cid from repo.record where space = $1 and did = $2
     order by length(collection) + length(rkey), (collection || '/' || rkey) collate "C"`,
    [at.space, at.did],
  )
  for (;;) {
    const page = await client.query<Entry>(`fetch ${PAGE} from ${name}`)
    if (page.rows.length === 0) break
    yield page.rows
  }
  await client.query(`close ${name}`)
}

async function* entries(client: Sql, at: RepoAt): AsyncGenerator<{ path: string; cid: string }> {
  for await (const page of rows(client, 'entry', at)) {
    for (const { collection, rkey, cid } of page) yield { path: `${collection}/${rkey}`, cid }
  }
}

/** Bytes are read after the order is known, so that sorting moves names only. */
async function* blocks(
  client: Sql,
  at: RepoAt,
): AsyncGenerator<{ cid: string; bytes: Uint8Array }> {
  for await (const page of rows(client, 'block', at)) {
    for (let from = 0; from < page.length; from += BYTES_PAGE) {
      const part = page.slice(from, from + BYTES_PAGE)
      yield* (
        await client.query<{ cid: string; bytes: Uint8Array }>(
          `select c.cid, c.bytes from unnest($3::text[], $4::text[]) with ordinality
           as p (collection, rkey, n) join repo.record c on c.space = $1 and c.did = $2
           and c.collection = p.collection and c.rkey = p.rkey order by p.n`,
          [at.space, at.did, part.map((row) => row.collection), part.map((row) => row.rkey)],
        )
      ).rows
    }
  }
}

/** Records of up to a megabyte are in memory at once. */
const BYTES_PAGE = 20
