import type { Server } from '@atproto/xrpc-server'
import { type Decide, createDecide } from './access.ts'
import type { Admission } from './admission.ts'
import type { CallOutcome } from './call-service.ts'
import { credentialCaller, hasCredential } from './credential-caller.ts'
import { type Worker, startDelivery } from './deliver.ts'
import type { SpaceGrants } from './grants.ts'
import {
  type EnsureAudience,
  type HostedSpace,
  type HostedSpaces,
  createHostedSpaces,
} from './hosted-spaces.ts'
import { spaceLexicons } from './lexicon-docs.ts'
import { type SpaceBlobs, blobs } from './methods/blobs.ts'
import { checkUserAccess } from './methods/check-user-access.ts'
import { deleteSpace } from './methods/delete-space.ts'
import { followSpace } from './methods/follow-space.ts'
import { issueCredential } from './methods/issue-credential.ts'
import { listSpaces } from './methods/list-spaces.ts'
import { manageSpace } from './methods/manage-space.ts'
import { members } from './methods/members.ts'
import { readRepo } from './methods/read-repo.ts'
import { takeNotices } from './methods/take-notices.ts'
import { writeRecords } from './methods/write-records.ts'
import { type Exchange, spaceOf } from './mount.ts'
import { createOrderer } from './orderer.ts'
import { ownCaller } from './own-caller.ts'
import { type OwnSpaces, forOwnSpaces } from './own-spaces.ts'
import type { HostPorts, SyncerPort } from './ports.ts'
import { forwardQueue, noticeQueue, outboxQueue } from './queues.ts'
import type { Reader } from './repo-reader.ts'
import { createRepoReads } from './repo-reads.ts'
import { placeWriters } from './place-writers.ts'
import type { SpaceStore } from './store.ts'
import { SPACES_VERSION } from './wire.ts'
import { noteWriter } from './writers.ts'

/** What keeps the repos, and says who belongs to the audiences of communities. */
export type Keeping = {
  store: SpaceStore
  blobs: SpaceBlobs
  admission: Admission
  ensureAudience: EnsureAudience
  isKnown: (collection: string) => boolean
  grants: SpaceGrants
  nextTid: () => string
}

/** The host of this node's repos and spaces, as the rest of the node sees it. */
export type SpaceHost = AsyncDisposable &
  OwnSpaces & {
    /** Has what follows spaces hear of writes and deletions, from others and in spaces hosted here. */
    follow(syncer: SyncerPort): void
  }

/** What this node registers as where it follows spaces of other hosts. */
export function syncerId(serviceDid: string): string {
  return `${serviceDid}#angelos_appview`
}

/**
 * Mounts the methods of hosts of permissioned repos and of spaces on a server, and begins to tell
 * other hosts what they are to know. Closing it ends that; what is not delivered waits in tables.
 */
export function openSpaceHost(server: Server, ports: HostPorts, keeping: Keeping): SpaceHost {
  const { pool, timers, log } = ports
  const { store, admission, nextTid } = keeping
  const now = () => timers.now()
  const spaces = createHostedSpaces(pool, keeping.ensureAudience)
  const decide = createDecide(admission, ports)
  let syncer: SyncerPort | undefined
  const followsAll = () => syncer !== undefined
  const place = (space: HostedSpace) =>
    placeWriters({ pool, clock: timers, nextTid, decide, syncer: () => syncer }, space)
  const orderer = createOrderer({
    pool,
    log,
    timers,
    followsAll,
    place,
    placed: () => telling.wake(),
  })
  const telling = startTelling(ports, { spaces, decide, wrote: orderer.wrote })
  const wake = telling.wake
  const unheard = store.onWrite((space) => {
    wake()
    orderer.wrote(space)
  })

  server.addLexicons(spaceLexicons())
  log.debug({ version: SPACES_VERSION }, 'permissioned spaces are served, which is experimental')
  const own = ownCaller(ports, keeping.grants)
  const credential = credentialCaller(pool, ports)
  const reader = (exchange: Exchange): Promise<Reader> =>
    hasCredential(exchange) ? credential(exchange) : own(exchange)
  const tables = { sql: pool, reads: createRepoReads(pool) }
  const shared = { ...ports, ...keeping, ...tables, spaces, decide, own, reader, wake, now }
  writeRecords(server, shared)
  readRepo(server, shared)
  listSpaces(server, shared)
  blobs(server, shared)
  issueCredential(server, shared)
  manageSpace(server, shared)
  members(server, shared)
  deleteSpace(server, { ...shared, forget: (uri, did) => store.forget(uri, did) })
  checkUserAccess(server, shared)
  followSpace(server, { ...shared, credential, putInOrder: place })
  takeNotices(server, {
    ...shared,
    wrote: orderer.wrote,
    syncerId: syncerId(ports.serviceDid),
    syncer: () => syncer,
  })
  return {
    ...forOwnSpaces({ ports, spaces, place }),
    follow: (following) => (syncer = following),
    [Symbol.asyncDispose]: async () => {
      unheard()
      await orderer[Symbol.asyncDispose]()
      await telling[Symbol.asyncDispose]()
    },
  }
}

type Told = { space: string; did: string; rev: string; hash: Uint8Array }

/** Starts the three deliveries; waking them is one thing. */
function startTelling(
  ports: HostPorts,
  parts: { spaces: HostedSpaces; decide: Decide; wrote: (space: string) => void },
): Worker {
  const { pool } = ports
  const here = (told: Told) => takeHere(ports, parts, told)
  const workers = [
    startDelivery(forwardQueue(pool, ports), ports),
    startDelivery(noticeQueue(pool, ports), ports),
    startDelivery(outboxQueue(pool, ports, here), ports),
  ]
  return {
    wake: () => workers.forEach((worker) => worker.wake()),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()))
    },
  }
}

/** Where the authority of a space is an account of this node, nothing goes over the wire. */
async function takeHere(
  { accounts, pool }: HostPorts,
  { wrote, spaces, decide }: Parameters<typeof startTelling>[1],
  { space, ...told }: Told,
): Promise<CallOutcome | undefined> {
  const at = spaceOf(space)
  if (!(await accounts.status(at.authority))) return undefined
  const hosted = await spaces.find(at)
  if (!hosted || hosted.deletedAt !== null) return { kind: 'refused', reason: 'SpaceNotFound' }
  const verdict = await decide(hosted, told.did, 'write')
  if (verdict === 'no') return { kind: 'refused', reason: 'UserNotAuthorized' }
  if (verdict === 'unknown') return { kind: 'later', reason: 'NotAuthorized' }
  if (await noteWriter(pool, { space, ...told })) wrote(space)
  return { kind: 'done', body: undefined }
}
