import type { Server } from '@atproto/xrpc-server'
import { refused } from '../answers.ts'
import type { HostedSpaces } from '../hosted-spaces.ts'
import { type Exchange, route, spaceOf } from '../mount.ts'
import type { Accounts, BlobContent } from '../../ports.ts'
import { type Reader, mayReadRepo } from '../repo-reader.ts'
import { nsid } from '../../wire.ts'

/** The blobs that records of a repo refer to. */
export type SpaceBlobs = {
  /** undefined for one that no record of this repo in this space refers to */
  open(at: { space: string; did: string; cid: string }): Promise<BlobContent | undefined>
  list(at: {
    space: string
    did: string
    since?: string
    cursor?: string
    limit: number
  }): Promise<{ cids: string[]; cursor?: string }>
}

type Deps = {
  reader: (exchange: Exchange) => Promise<Reader>
  accounts: Accounts
  spaces: HostedSpaces
  blobs: SpaceBlobs
}

const MEDIA_TYPE = /^[\w.+-]{1,64}\/[\w.+-]{1,64}$/

/** `getBlob` and `listBlobs`: files that only readers of the space may have. */
export function blobs(server: Server, deps: Deps): void {
  const { reader: caller } = deps
  route(server, nsid.getBlob, {
    caller,
    answer: async ({ input, caller: reader, res }) => {
      const at = await place(deps, reader, input)
      const cid = String(input['cid'])
      const blob = await deps.blobs.open({ ...at, cid })
      if (!blob) throw refused('BlobNotFound')
      // What people upload must not run as a page of this node's.
      res.setHeader('content-length', blob.size)
      res.setHeader('x-content-type-options', 'nosniff')
      res.setHeader('content-disposition', `attachment; filename="${cid}"`)
      res.setHeader('content-security-policy', "default-src 'none'; sandbox")
      const known = MEDIA_TYPE.test(blob.mimeType)
      return { stream: blob.stream, encoding: known ? blob.mimeType : 'application/octet-stream' }
    },
  })
  route(server, nsid.listBlobs, {
    caller,
    answer: async ({ input, caller: reader }) => {
      const at = await place(deps, reader, input)
      const { since, cursor, limit } = input as { since?: string; cursor?: string; limit: number }
      return deps.blobs.list({ ...at, limit, ...(since && { since }), ...(cursor && { cursor }) })
    },
  })
}

async function place(deps: Deps, reader: Reader, input: Record<string, unknown>) {
  const space = spaceOf(input['space'])
  const did = String(input['repo'])
  await mayReadRepo(deps, reader, { space, repo: did })
  return { space: space.uri, did }
}
