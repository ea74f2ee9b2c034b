import { Readable } from 'node:stream'
import type { Server } from '@atproto/xrpc-server'
import type { SqlPool } from '../../../database/sql.ts'
import { refused } from '../answers.ts'
import { type CommitJson, commitToJson } from '../../format/commit-json.ts'
import { exportCar } from '../../store/export-car.ts'
import type { HostedSpaces } from '../hosted-spaces.ts'
import { type Exchange, route, spaceOf } from '../mount.ts'
import { listOps } from '../../store/oplog.ts'
import type { Accounts } from '../../ports.ts'
import { recordJson } from '../../format/record-json.ts'
import { type Reader, mayReadRepo } from '../repo-reader.ts'
import { type RepoAt, type RepoHead, type RepoReads, commitOf } from '../../store/repo-reads.ts'
import { spaceRecordUri } from '../../space-ref.ts'
import { nsid } from '../../wire.ts'

type Page = { limit: number; cursor?: string }

type Deps = {
  reader: (exchange: Exchange) => Promise<Reader>
  accounts: Accounts
  spaces: HostedSpaces
  pool: SqlPool
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
      const shown = records.map(({ rev: _, bytes, ...record }) => ({
        ...record,
        ...valueOf(bytes),
      }))
      return { records: shown, ...(cursor !== undefined && { cursor }) }
    },
  })
  route(server, nsid.listRepoOps, {
    caller,
    answer: async ({ input, caller: reader }) => {
      const at = await place(deps, reader, input)
      const page = await listOps(deps.pool, { ...at, ...(input as Page) })
      if (!page) throw refused('RepoNotFound')
      const ops = page.ops.map(({ idx: _, bytes, ...op }) => ({ ...op, ...valueOf(bytes) }))
      const { cursor, head } = page
      if (cursor !== undefined) return { ops, cursor }
      return { ops, ...(head && { commit: await signed(accounts, at, head) }) }
    },
  })
  route(server, nsid.getLatestCommit, {
    caller,
    answer: async ({ input, caller: reader }) => {
      const at = await place(deps, reader, input)
      return { commit: await signed(accounts, at, await mustExist(reads, at)) }
    },
  })
  route(server, nsid.getRepo, {
    caller,
    answer: async ({ input, caller: reader }) => {
      const at = await place(deps, reader, input)
      const excludeValues = input['excludeValues'] === true
      const sign = accounts.sign(at.did)
      const car = await exportCar(deps.pool, { ...at, excludeValues, sign })
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

async function mustExist(reads: RepoReads, at: RepoAt): Promise<RepoHead> {
  const head = await reads.stateOf(at)
  if (!head) throw refused('RepoNotFound')
  return head
}

async function signed(accounts: Accounts, at: RepoAt, head: RepoHead): Promise<CommitJson> {
  return commitToJson(await commitOf(at, head, accounts.sign(at.did)))
}

function valueOf(bytes: Uint8Array | null | undefined): { value?: unknown } {
  return bytes ? { value: recordJson(bytes) } : {}
}
