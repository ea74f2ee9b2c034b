import { type LexMap } from '@atproto/lex'
import { decode } from '@atproto/lex-cbor'
import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../clock.ts'
import { type Sql, type SqlPool, transaction } from '../database/sql.ts'
import { type CommitFault, type SignedCommit } from './commit.ts'
import { type BlobLink, blobsOf } from './prepare-write.ts'
import { type CarLimits, type RepoBlock, type RepoCar, readRepoCar } from './repo-car.ts'
import type { RepoAt } from './repo-reads.ts'
import { SetHash, sameHash } from './set-hash.ts'
import { TELL_FOR_MS } from './write-statement.ts'

/** What was taken in, with the blobs that records refer to and whose bytes are yet to come. */
export type Imported = { rev: string; records: number; blobs: BlobLink[] }

const PAGE = 200
const PAGE_BYTES = 2 << 20

/**
 * Replaces a repo by the one in a CAR, in one transaction: after a crash all of it is there or
 * nothing. `check` says what is wrong with its commit. Throws XRPC `InvalidRequest` naming the
 * fault of the CAR or the commit, and for a rev that is not newer. The set hash has to be the
 * commit's.
 */
export async function importCar(
  pool: SqlPool,
  options: RepoAt & {
    body: AsyncIterable<Uint8Array>
    check: (commit: SignedCommit) => Promise<CommitFault | undefined>
    clock: Clock
    limits?: CarLimits
  },
): Promise<Imported> {
  const { body, check, limits, ...at } = options
  const car = await readRepoCar(body, limits && { limits })
  if (!car.ok) throw refused(car.fault)
  await using open: RepoCar = car
  const fault = await check(open.commit)
  if (fault !== undefined) throw refused(fault)
  const setHash = new SetHash()
  for (const { path, cid } of open.entries()) setHash.add(path, cid)
  if (!sameHash(setHash.digest(), open.commit.hash)) throw refused('BadSetHash')
  let begun = false
  // Awaited here, as the stream is let go of with this function.
  return await transaction(pool, async (tx) => {
    // The stream cannot be read twice.
    if (begun) throw new Error('the database ended the import for the sake of others')
    begun = true
    await claim(tx, at, open.commit.rev, setHash)
    await tellHost(tx, at, open.commit, options.clock.now())
    const blobs = await takeBlocks(tx, at, open)
    return { rev: open.commit.rev, records: open.count, blobs }
  })
}

async function claim(tx: Sql, at: RepoAt, rev: string, setHash: SetHash): Promise<void> {
  const { space, did } = at
  const { rowCount } = await tx.query(
    `insert into repo.repo as r (space, did, rev, "setHash", source, "opsSince")
     values ($1, $2, $3, $4, 'signed', $3)
     on conflict (space, did) do update set rev = excluded.rev, "setHash" = excluded."setHash",
       source = 'signed', "opsSince" = excluded.rev, "deletedAt" = null
     where r.rev < excluded.rev`,
    [space, did, rev, Buffer.from(setHash.state())],
  )
  if (!rowCount) throw refused('NotNewer')
  for (const table of ['record', 'oplog', '"blobRef"']) {
    await tx.query(`delete from repo.${table} where space = $1 and did = $2`, [space, did])
  }
  await tx.query(
    `insert into repo.change (space, did, rev) values ($1, $2, $3)
     on conflict (space, did) do update set rev = excluded.rev`,
    [space, did, rev],
  )
}

/** The host of the space is here, or to be told. */
async function tellHost(
  tx: Sql,
  { space, did }: RepoAt,
  { rev, hash }: SignedCommit,
  now: Date,
): Promise<void> {
  const { rows } = await tx.query<{ deletedAt: Date | null }>(
    'select "deletedAt" from repo.space where space = $1',
    [space],
  )
  if (rows[0]?.deletedAt) return
  const values = [space, did, rev, Buffer.from(hash)]
  if (rows[0]) {
    await tx.query(
      `insert into repo.writer (space, did, rev, hash) values ($1, $2, $3, $4)
       on conflict (space, did) do update
         set rev = excluded.rev, hash = excluded.hash, "spaceRev" = null`,
      values,
    )
    return
  }
  await tx.query(
    `insert into repo.outbox (space, did, rev, hash, "nextAt", until)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (space, did) do update
       set rev = excluded.rev, hash = excluded.hash, until = excluded.until`,
    [...values, now, new Date(now.getTime() + TELL_FOR_MS)],
  )
}

async function takeBlocks(tx: Sql, at: RepoAt, car: RepoCar): Promise<BlobLink[]> {
  const blobs = new Map<string, BlobLink>()
  let page: RepoBlock[] = []
  let size = 0
  const store = async () => {
    for (const blob of await storePage(tx, at, car.commit.rev, page)) blobs.set(blob.cid, blob)
    page = []
    size = 0
  }
  for await (const block of car.blocks()) {
    if ('fault' in block) throw refused(block.fault)
    page.push(block)
    size += block.bytes.length
    if (page.length === PAGE || size > PAGE_BYTES) await store()
  }
  if (page.length > 0) await store()
  return [...blobs.values()]
}

async function storePage(
  tx: Sql,
  { space, did }: RepoAt,
  rev: string,
  page: readonly RepoBlock[],
): Promise<BlobLink[]> {
  const parts = page.map(({ path }) => path.split('/') as [string, string])
  await tx.query(
    `insert into repo.record (space, did, collection, rkey, cid, bytes, rev)
     select $1, $2, w.collection, w.rkey, w.cid, w.bytes, $3
     from unnest($4::text[], $5::text[], $6::text[], $7::bytea[]) 
       as w (collection, rkey, cid, bytes)`,
    [
      space,
      did,
      rev,
      parts.map(([collection]) => collection),
      parts.map(([, rkey]) => rkey),
      page.map(({ cid }) => cid),
      page.map(({ bytes }) => Buffer.from(bytes)),
    ],
  )
  const links = page.flatMap(({ path, bytes }, n) =>
    blobsOf(readMap(path, bytes)).map((blob) => ({ ...blob, at: parts[n]! })),
  )
  if (links.length === 0) return []
  await tx.query(
    `insert into repo."blobRef" (space, did, collection, rkey, cid, rev)
     select $1, $2, l.collection, l.rkey, l.cid, $3
     from unnest($4::text[], $5::text[], $6::text[]) as l (collection, rkey, cid)`,
    [
      space,
      did,
      rev,
      links.map(({ at }) => at[0]),
      links.map(({ at }) => at[1]),
      links.map(({ cid }) => cid),
    ],
  )
  return links
}

function readMap(path: string, bytes: Uint8Array): LexMap {
  try {
    return decode(bytes) as LexMap
  } catch (cause) {
    throw new InvalidRequestError(`BadRecord: ${path}`, 'InvalidRequest', { cause })
  }
}

function refused(fault: string): InvalidRequestError {
  return new InvalidRequestError(`The repo cannot be taken in: ${fault}`)
}
