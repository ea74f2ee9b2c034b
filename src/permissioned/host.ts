import type { Server } from '@atproto/xrpc-server'
import { type Admission, type Decide, createDecide } from './access.ts'
import type { CallOutcome } from './call-service.ts'
import { credentialCaller, hasCredential } from './credential-caller.ts'
import { type Worker, startDelivery } from './deliver.ts'
import type { SpaceGrants } from './grants.ts'
import { type EnsureAudience, type HostedSpaces, createHostedSpaces } from './hosted-spaces.ts'
import { spaceLexicons } from './lexicon-docs.ts'
import { type SpaceBlobs, blobs } from './methods/blobs.ts'
import { checkUserAccess } from './methods/check-user-access.ts'
import { deleteSpace } from './methods/delete-space.ts'
import { followSpace } from './methods/follow-space.ts'
import { issueCredential } from './methods/issue-credential.ts'
import { type ListSpaces, listSpaces } from './methods/list-spaces.ts'
import { manageSpace } from './methods/manage-space.ts'
import { type Roster, members } from './methods/members.ts'
import { type RepoReads, readRepo } from './methods/read-repo.ts'
import { takeNotices } from './methods/take-notices.ts'
import { writeRecords } from './methods/write-records.ts'
import { type Exchange, spaceOf } from './mount.ts'
import { createOrderer } from './orderer.ts'
import { ownCaller } from './own-caller.ts'
import type { HostPorts } from './ports.ts'
import { forwardQueue, noticeQueue, outboxQueue } from './queues.ts'
import type { Reader } from './repo-reader.ts'
import { type Told, putInOrder, takeTold } from './space-order.ts'
import type { SpaceStore } from './store.ts'

/** What keeps the repos, and says who belongs to the audiences of communities. */
export type Keeping = {
  store: Pick<SpaceStore, 'applyWrites' | 'onWrite'>
  reads: RepoReads & ListSpaces
  blobs: SpaceBlobs
  admission: Admission & Roster
  ensureAudience: EnsureAudience
  removeRepo: (space: string, did: string) => Promise<void>
  isKnown: (collection: string) => boolean
  grants: SpaceGrants
  nextTid: () => string
}

/**
 * Mounts the methods of hosts of permissioned repos and of spaces on a server, and begins to tell
 * other hosts what they are to know. Closing it ends that; what is not delivered waits in tables.
 */
export function openSpaceHost(
  server: Server,
  ports: HostPorts,
  keeping: Keeping,
): AsyncDisposable {
  const { pool, timers, log } = ports
  const { store, admission, nextTid } = keeping
  const now = () => timers.now()
  const spaces = createHostedSpaces(pool, keeping.ensureAudience)
  const decide = createDecide(pool, admission, ports)
  const order = { pool, nextTid, now }
  const telling = startTelling(ports, { order, spaces, decide })
  const wake = telling.wake
  const placeAll: Parameters<typeof createOrderer>[0]['placeAll'] = (space) =>
    putInOrder({ ...order, decide }, space)
  const sleep = (ms: number) => timers.sleep(ms)
  const orderer = createOrderer({ pool, log, now, sleep, placeAll, placed: wake })
  const unheard = store.onWrite((space) => {
    wake()
    orderer.wrote(space)
  })

  server.addLexicons(spaceLexicons())
  const own = ownCaller(ports, keeping.grants)
  const credential = credentialCaller(pool, ports)
  const reader = (exchange: Exchange): Promise<Reader> =>
    hasCredential(exchange) ? credential(exchange) : own(exchange)
  const shared = { ...ports, ...keeping, sql: pool, spaces, decide, own, reader, wake, now }
  writeRecords(server, shared)
  readRepo(server, shared)
  listSpaces(server, shared)
  blobs(server, shared)
  issueCredential(server, shared)
  manageSpace(server, shared)
  members(server, shared)
  deleteSpace(server, shared)
  checkUserAccess(server, shared)
  followSpace(server, { ...shared, credential, putInOrder: placeAll })
  takeNotices(server, { ...shared, takeTold: (space, told) => takeTold(order, space, told) })
  return {
    [Symbol.asyncDispose]: async () => {
      unheard()
      await orderer[Symbol.asyncDispose]()
      await telling[Symbol.asyncDispose]()
    },
  }
}

type Order = Parameters<typeof takeTold>[0]

/** Starts the three deliveries; waking them is one thing. */
function startTelling(
  ports: HostPorts,
  parts: { order: Order; spaces: HostedSpaces; decide: Decide },
): Worker {
  const { pool } = ports
  const here = (told: Told & { space: string }) => takeHere(ports, parts, told)
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

/** A write for a space whose authority is an account of this node is told to nobody over the wire. */
async function takeHere(
  { accounts }: HostPorts,
  { order, spaces, decide }: Parameters<typeof startTelling>[1],
  { space, ...told }: Told & { space: string },
): Promise<CallOutcome | undefined> {
  const at = spaceOf(space)
  if (!(await accounts.status(at.authority))) return undefined
  const hosted = await spaces.find(at)
  if (!hosted || hosted.deletedAt !== null) return { kind: 'refused', reason: 'SpaceNotFound' }
  const verdict = await decide(hosted, told.did, 'write')
  if (verdict === 'no') return { kind: 'refused', reason: 'UserNotAuthorized' }
  if (verdict === 'unknown') return { kind: 'later', reason: 'NotAuthorized' }
  await takeTold(order, hosted.space, told)
  return { kind: 'done', body: undefined }
}
