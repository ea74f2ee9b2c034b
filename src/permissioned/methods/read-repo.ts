import { Readable } from 'node:stream'
import type { Server } from '@atproto/xrpc-server'
import { refused } from '../answers.ts'
import { type SignedCommit, type SignBytes } from '../commit.ts'
import { commitToJson } from '../commit-json.ts'
import type { HostedSpaces } from '../hosted-spaces.ts'
import { type Exchange, route, spaceOf } from '../mount.ts'
import type { Accounts } from '../ports.ts'
import { recordJson } from '../record-json.ts'
import { type Reader, mayReadRepo } from '../repo-reader.ts'
import { spaceRecordUri } from '../space-ref.ts'
import { nsid } from '../wire.ts'

/** A repo in a space. */
export type RepoAt = { space: string; did: string }

/** What is read of repos that are kept here. */
export type RepoReads = {
  getRecord(at: RepoAt & { collection: string; rkey: string }): Promise<Kept | undefined>
  listRecords(
    at: RepoAt & Page & { collection?: string; reverse?: boolean; excludeValues?: boolean },
  ): Promise<{ records: (Kept & { collection: string; rkey: string })[]; cursor?: string }>
  listOps(
    at: RepoAt & Page & { since?: string; excludeValues?: boolean },
  ): Promise<{ ops: Op[]; cursor?: string }>
  latestCommit(at: RepoAt, sign: SignBytes): Promise<SignedCommit | undefined>
  exportCar(
    at: RepoAt & { excludeValues?: boolean },
    sign: SignBytes,
  ): Promise<AsyncIterable<Uint8Array> | undefined>
}

type Page = { limit: number; cursor?: string }
type Kept = { cid: string; bytes: Uint8Array | null }
type Op = {
  rev: string
  collection: string
  rkey: string
  cid: string | null
  prev: string | null
  bytes: Uint8Array | null
}

type Deps = {
  reader: (exchange: Exchange) => Promise<Reader>
  accounts: Accounts
  spaces: HostedSpaces
  reads: RepoReads
}

type Input = Record<string, unknown>

/** `getRecord`, `listRecords`, `getLatestCommit`, `getRepo` and `listRepoOps`: what is in a repo,
 *  for its own account and for whoever holds a credential of the space. */
export function readRepo(server: Server, deps: Deps): void {
  const { reader: caller, reads, accounts } = deps
  route(server, nsid.getRecord, {
    caller,
    answer: async ({ input, caller: reader }) => {
      const at = await place(deps, reader, input)
      const { collection, rkey } = input as { collection: string; rkey: string }
      await mustExist(reads, at)
      const found = await reads.getRecord({ ...at, collection, rkey })
      if (!found?.bytes) throw refused('RecordNotFound')
      const uri = spaceRecordUri(at.space, at.did, collection, rkey)
      return { uri, cid: found.cid, value: recordJson(found.bytes) }
    },
  })
  route(server, nsid.listRecords, {
    caller,
    answer: async ({ input, caller: reader }) => {
      const at = await place(deps, reader, input)
      await mustExist(reads, at)
      const { records, cursor } = await reads.listRecords({ ...at, ...(input as Page) })
      const shown = records.map(({ bytes, ...record }) => ({ ...record, ...valueOf(bytes) }))
      return { records: shown, ...(cursor !== undefined && { cursor }) }
    },
  })
  route(server, nsid.listRepoOps, {
    caller,
    answer: async ({ input, caller: reader }) => {
      const at = await place(deps, reader, input)
      const { ops, cursor } = await reads.listOps({ ...at, ...(input as Page) })
      const shown = ops.map(({ bytes, ...op }) => ({ ...op, ...valueOf(bytes) }))
      if (cursor !== undefined) return { ops: shown, cursor }
      return { ops: shown, commit: await commitOf(deps, at) }
    },
  })
  route(server, nsid.getLatestCommit, {
    caller,
    answer: async ({ input, caller: reader }) => ({
      commit: await commitOf(deps, await place(deps, reader, input)),
    }),
  })
  route(server, nsid.getRepo, {
    caller,
    answer: async ({ input, caller: reader }) => {
      const at = await place(deps, reader, input)
      const excludeValues = input['excludeValues'] === true
      const car = await reads.exportCar({ ...at, excludeValues }, accounts.sign(at.did))
      if (!car) throw refused('RepoNotFound')
      return { stream: Readable.from(car), encoding: 'application/vnd.ipld.car' }
    },
  })
}

async function place(deps: Deps, reader: Reader, input: Input): Promise<RepoAt> {
  const space = spaceOf(input['space'])
  const did = String(input['repo'])
  await mayReadRepo(deps, reader, { space, repo: did })
  return { space: space.uri, did }
}
