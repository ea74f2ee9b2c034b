import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../clock.ts'
import { type Sql, type SqlPool, transaction } from '../../database/sql.ts'
import type { BlobLink } from './prepare-write.ts'

/** Where bytes of blobs are kept that only readers of a space may see. */
export type BlobBytes = {
  /** Keeps the bytes of an uploaded blob and answers what was said of them; undefined when nothing
   *  was uploaded. The upload stays until it is dropped, so it may be taken again. */
  takeUpload(did: string, cid: string): Promise<{ mimeType: string; size: number } | undefined>
  /** Lets go of the upload, which is kept by now. */
  dropUpload(did: string, cid: string): Promise<void>
  /** Deletes kept bytes; of bytes that are not there too. */
  remove(did: string, cid: string): Promise<void>
}

/** Bytes without a record are kept so long, for a record that is being written. */
const UNLINKED_MS = 3_600_000

/**
 * Makes sure that the bytes of blobs are kept, before the record that refers to them is stored.
 * Throws XRPC `BlobNotFound` for one that was not uploaded, `InvalidMimeType` or `InvalidSize` when
 * the record says other than the upload.
 */
export async function keepBlobs(
  options: { pool: SqlPool; clock: Clock; bytes: BlobBytes },
  did: string,
  blobs: readonly BlobLink[],
): Promise<void> {
  for (const blob of blobs) await keepBlob(options, did, blob)
}

async function keepBlob(
  { pool, clock, bytes }: { pool: SqlPool; clock: Clock; bytes: BlobBytes },
  did: string,
  blob: BlobLink,
): Promise<void> {
  const { cid, mimeType, size } = blob
  const now = clock.now()
  const taken = await transaction(pool, async (tx) => {
    // The row is locked from here on, so that nobody deletes the bytes meanwhile.
    const { rows } = await tx.query<{ mimeType: string; size: string; made: boolean }>(
      `insert into repo.blob (did, cid, "mimeType", size, "takenAt") values ($1, $2, $3, $4, $5)
       on conflict (did, cid) do update set "takenAt" = excluded."takenAt"
       returning "mimeType", size, (xmax = 0) as made`,
      [did, cid, mimeType, size, now],
    )
    const [row] = rows
    const upload = row?.made ? await bytes.takeUpload(did, cid) : undefined
    if (row?.made && !upload) throw refused('BlobNotFound', `Could not find blob: ${cid}`)
    const kept = upload ?? { mimeType: row?.mimeType, size: Number(row?.size) }
    if (kept.mimeType !== mimeType) {
      throw refused('InvalidMimeType', `The blob is ${kept.mimeType}, not ${mimeType}`)
    }
    if (kept.size !== size) throw refused('InvalidSize', `The blob has ${kept.size} bytes`)
    return row?.made
  })
  if (taken) await bytes.dropUpload(did, cid)
}

/** Deletes bytes that no record refers to any more, up to `limit` of them; answers how many. */
export async function sweepBlobs(
  { pool, clock, bytes }: { pool: SqlPool; clock: Clock; bytes: BlobBytes },
  limit: number,
): Promise<number> {
  const before = new Date(clock.now().getTime() - UNLINKED_MS)
  const { rows } = await pool.query<{ did: string; cid: string }>(
    `select b.did, b.cid from repo.blob b where ${UNLINKED} limit $2`,
    [before, limit],
  )
  for (const { did, cid } of rows) {
    await transaction(pool, async (tx) => {
      const { rowCount } = await tx.query(
        `delete from repo.blob b where ${UNLINKED} and b.did = $2 and b.cid = $3`,
        [before, did, cid],
      )
      if (rowCount) await bytes.remove(did, cid)
    })
  }
  return rows.length
}

const UNLINKED = `b."takenAt" < $1 and not exists (
  select 1 from repo."blobRef" r where r.did = b.did and r.cid = b.cid)`

/** What is known of a blob, if records of that repo refer to it. */
export async function linkedBlob(
  sql: Sql,
  at: { space: string; did: string; cid: string },
): Promise<{ mimeType: string; size: number } | undefined> {
  const { rows } = await sql.query<{ mimeType: string; size: string }>(
    `select "mimeType", size from repo.blob b where b.did = $2 and b.cid = $3 and exists (
       select 1 from repo."blobRef" r where r.space = $1 and r.did = $2 and r.cid = $3)`,
    [at.space, at.did, at.cid],
  )
  return rows[0] && { mimeType: rows[0].mimeType, size: Number(rows[0].size) }
}

/** CIDs of the blobs that records of a repo refer to, written after `since`, in order. */
export async function listLinkedBlobs(
  sql: Sql,
  at: { space: string; did: string; since?: string; cursor?: string; limit: number },
): Promise<{ cids: string[]; cursor?: string }> {
  const { space, did, since = '', cursor = '', limit } = at
  const { rows } = await sql.query<{ cid: string }>(
    `select distinct cid from repo."blobRef"
     where space = $1 and did = $2 and rev > $3 and cid > $4 order by cid limit $5`,
    [space, did, since, cursor, limit],
  )
  const cids = rows.map(({ cid }) => cid)
  return { cids, ...(cids.length === limit && { cursor: cids.at(-1)! }) }
}

function refused(name: string, message: string): Error {
  return new InvalidRequestError(message, name)
}
