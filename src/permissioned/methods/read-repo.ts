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
