import type { CidLinkWrapper } from '@atcute/cbor'
import type { Identity } from '../identity/identity.ts'
import type { Outbound } from '../outbound/fetch.ts'
import { readLimited } from '../outbound/read-limited.ts'
import { type Blocks, cidKey, readCarSlice } from './car.ts'
import { readCommit } from './commit-object.ts'
import type { RecordWrite } from './event.ts'
import { readMstNode } from './mst-node.ts'
import { splitPath } from './record-path.ts'
import { type Refusal, refuse } from './refusal.ts'

/** Everything a repo holds at one revision, of the collections asked for. */
export type RepoSnapshot = { ok: true; rev: string; data: string; records: RecordWrite[] }

const CAR_MAX_BYTES = 128_000_000
const DEPTH_MAX = 128
const TIMEOUT_MS = 60_000

/**
 * Fetches a repo from the account's own PDS (`com.atproto.sync.getRepo`) and verifies all of it:
 * the signature over the commit, every block by its hash, and the tree down to each record. Throws
 * `OutboundError` when the PDS does not answer.
 */
export async function fetchRepo(options: {
  identity: Identity
  /** Where the PDS is reached. */
  service: string
  outbound: Outbound
  collections: (nsid: string) => boolean
  now: Date
}): Promise<RepoSnapshot | Refusal> {
  const { identity, service, outbound, now } = options
  const query = new URLSearchParams({ did: identity.did })
  const url = `${service}/xrpc/com.atproto.sync.getRepo?${String(query)}`
  const response = await outbound(url, { timeoutMs: TIMEOUT_MS })
  if (!response.ok) {
    await response.body?.cancel()
    return refuse('MissingCommit', `${service} answered ${response.status}`)
  }
  const car = readCarSlice(await readLimited(response, CAR_MAX_BYTES))
  if (!car.ok) return car
  const block = car.blocks.get(cidKey(car.root))
  if (block === undefined) return refuse('MissingCommit', 'the CAR does not hold its root')
  const commit = readCommit(block, identity, now)
  if (!commit.ok) return commit
  const records: RecordWrite[] = []
  const fault = walk(commit.data, { blocks: car.blocks, depth: 0, last: '' }, (key, value) => {
    const path = splitPath(key)
    if (path === undefined || !options.collections(path.collection)) return true
    const bytes = car.blocks.get(cidKey(value.bytes))
    const cid = value.$link
    if (bytes) records.push({ action: 'create', did: identity.did, ...path, cid, bytes })
    return bytes !== undefined
  })
  return fault ?? { ok: true, rev: commit.rev, data: commit.data.$link, records }
}

type Walk = { blocks: Blocks; depth: number; last: string }

/** Visits every key in order; the first thing that is wrong with the tree ends it. */
function walk(
  link: CidLinkWrapper,
  at: Walk,
  visit: (key: string, value: CidLinkWrapper) => boolean,
): Refusal | undefined {
  if (++at.depth > DEPTH_MAX) return refuse('BadTree', 'too deep')
  const block = at.blocks.get(cidKey(link.bytes))
  if (block === undefined) return refuse('MissingTreeNode', link.$link)
  const node = readMstNode(block)
  if (node === undefined) return refuse('BadTree', link.$link)
  let fault = node.left ? walk(node.left, at, visit) : undefined
  for (const { key, value, right } of node.entries) {
    if (fault) return fault
    if (key <= at.last) return refuse('BadTree', `${key} is out of order`)
    at.last = key
    if (!visit(key, value)) return refuse('MissingRecord', key)
    if (right) fault = walk(right, at, visit)
  }
  at.depth--
  return fault
}
