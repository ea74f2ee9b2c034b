import type { Sql } from '../../database/sql.ts'
import { type SignBytes, type SignedCommit, signCommit } from '../format/commit.ts'
import { SetHash } from '../format/set-hash.ts'

/** Whose repo in which space. */
export type RepoAt = { space: string; did: string }
/** A record as it is stored. `bytes` are missing where only names were asked for. */
export type StoredRecord = {
  collection: string
  rkey: string
  cid: string
  rev: string
  bytes?: Uint8Array
}
/** Where a served repo stands: its rev, the 2,048 bytes of its set hash. */
export type RepoHead = { rev: string; setHash: Uint8Array }

/** Reads of repos that are hosted here. Local records and deleted repos are never among them. */
export type RepoReads = {
  stateOf(at: RepoAt): Promise<RepoHead | undefined>
  getRecord(at: RepoAt & { collection: string; rkey: string }): Promise<StoredRecord | undefined>
  /** Ascending by collection and rkey, or descending; `cursor` is where the page before ended. */
  listRecords(
    query: RepoAt & {
      collection?: string
      cursor?: string
      limit: number
      reverse?: boolean
      excludeValues?: boolean
    },
  ): Promise<{ records: StoredRecord[]; cursor?: string }>
  /** The spaces in which an account has a repo here, in order of their URIs. */
  listSpacesOf(query: {
    did: string
    type?: string
    authority?: string
    cursor?: string
    limit: number
  }): Promise<{ spaces: string[]; cursor?: string }>
  /** A commit of the present state, made for one reader; undefined without a repo. */
  latestCommit(at: RepoAt & { sign: SignBytes }): Promise<SignedCommit | undefined>
}

/** Makes the reads. */
export function createRepoReads(sql: Sql): RepoReads {
  return {
    stateOf: (at) => stateOf(sql, at),
    getRecord: async ({ space, did, collection, rkey }) => {
      const { rows } = await sql.query<StoredRecord>({ name: 'repo-record', text: GET }, [
        space,
        did,
        collection,
        rkey,
      ])
      return rows[0]
    },
    listRecords: (query) => listRecords(sql, query),
    listSpacesOf: async ({ did, type, authority, cursor = '', limit }) => {
      const values = [did, cursor, authority ?? null, type ?? null, limit]
      const { rows } = await sql.query<{ space: string }>(SPACES, values)
      const spaces = rows.map(({ space }) => space)
      return { spaces, ...(spaces.length === limit && { cursor: spaces.at(-1)! }) }
    },
    latestCommit: async ({ sign, ...at }) => {
      const head = await stateOf(sql, at)
      return head && commitOf(at, head, sign)
    },
  }
}

/** Signs the commit of a state. */
export function commitOf(at: RepoAt, head: RepoHead, sign: SignBytes): Promise<SignedCommit> {
  const hash = new SetHash(head.setHash).digest()
  return signCommit({ space: at.space, author: at.did, rev: head.rev, hash, sign })
}

async function stateOf(sql: Sql, { space, did }: RepoAt): Promise<RepoHead | undefined> {
  const { rows } = await sql.query<RepoHead>({ name: 'repo-state', text: STATE }, [space, did])
  return rows[0]
}

async function listRecords(
  sql: Sql,
  query: Parameters<RepoReads['listRecords']>[0],
): ReturnType<RepoReads['listRecords']> {
  const { space, did, collection, cursor, limit, reverse = false, excludeValues } = query
  const [after = '', afterRkey = ''] = cursor?.split('/') ?? []
  const found = reverse ? ['<', 'desc'] : ['>', 'asc']
  const { rows } = await sql.query<StoredRecord>(
    `select c.collection, c.rkey, c.cid, c.rev${excludeValues ? '' : ', c.bytes'}
     from repo.record c ${SERVED}
     where c.space = $1 and c.did = $2 and ($3::text is null or c.collection = $3)
       and ($4::bool or (c.collection, c.rkey) ${found[0]} ($5, $6))
     order by c.collection ${found[1]}, c.rkey ${found[1]} limit $7`,
    [space, did, collection ?? null, cursor === undefined, after, afterRkey, limit],
  )
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { records: rows, ...(last && { cursor: `${last.collection}/${last.rkey}` }) }
}

const SERVED = `join repo.repo r on r.space = c.space and r.did = c.did
  and r.source = 'signed' and r."deletedAt" is null`

const STATE = `select rev, "setHash" from repo.repo
  where space = $1 and did = $2 and source = 'signed' and "deletedAt" is null`

const GET = `select c.collection, c.rkey, c.cid, c.rev, c.bytes from repo.record c ${SERVED}
  where c.space = $1 and c.did = $2 and c.collection = $3 and c.rkey = $4`

const SPACES = `select space from repo.repo where did = $1 and space > $2
  and ($3::text is null or split_part(space, '/', 3) = $3)
  and ($4::text is null or split_part(space, '/', 5) = $4)
  and source = 'signed' and "deletedAt" is null order by space limit $5`
