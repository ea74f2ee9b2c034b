import { ForbiddenError, InvalidRequestError, UpstreamFailureError } from '@atproto/xrpc-server'
import type { Clock } from '../clock.ts'
import { fetchRecordProof } from '../firehose/fetch-record-proof.ts'
import type { Identity } from '../identity/identity.ts'
import type { IdentityResolver } from '../identity/resolver.ts'
import type { Outbound } from '../outbound/fetch.ts'
import type { Viewer } from './access.ts'
import { noteAccount } from './account.ts'
import type { Indexer } from './index-record.ts'
import { placeOf, readReference } from './reference.ts'
import { type Sql, type SqlPool, transaction } from './sql.ts'

/** What a remote account says it has just written at its own PDS; without `cid`, deleted. */
export type Announcement = { readonly uri: string; readonly cid?: string }

/** Indexes one announced record and answers what the proof shows: its CID, or null when it is
 *  proved absent. */
export type Announce = (
  viewer: Viewer,
  announcement: Announcement,
  where: { collection: string; place: string },
) => Promise<{ cid: string | null }>

/** Makes the way in for records of accounts hosted elsewhere: the record is fetched from the
 *  author's own PDS with its proof, never taken from the request, and from then on the account is
 *  followed. Throws `Forbidden`, `AnnouncedRecordMismatch`, `RecordRefused`, `PdsUnreachable`. */
export function createAnnounce(options: {
  pool: SqlPool
  indexer: Indexer
  resolver: IdentityResolver
  outbound: Outbound
  clock: Clock
  /** Called for every account whose record was taken in, so that its host is listened to. */
  follow: (identity: Identity) => Promise<void>
  /** Brings the views to where the author's PDS has a permissioned repo. */
  syncSpaceRepo: (place: string, did: string) => Promise<void>
}): Announce {
  const { pool, indexer, clock, follow } = options
  return async (viewer, { uri, cid }, { collection, place: space }) => {
    const reference = readReference(uri)
    if (reference?.collection !== collection || placeOf(reference) !== space)
      throw new InvalidRequestError(
        `${uri} is not a ${collection} in ${space || 'a public repo'}.`,
        'AnnouncedRecordMismatch',
      )
    if (reference.author !== viewer.did)
      throw new ForbiddenError('Only its author can announce a record.', 'Forbidden')
    const place = { did: viewer.did, collection, rkey: reference.rkey }
    if (space !== '') return announceInSpace(options, { ...place, place: space }, { uri, cid })
    const { identity, proof } = await prove(options, place)
    if ((proof.cid === null) !== (cid === undefined))
      throw new InvalidRequestError(
        proof.cid === null
          ? `The PDS proves that ${uri} does not exist.`
          : `The PDS still has ${uri}. Delete it there first, or announce it with its cid.`,
        'AnnouncedRecordMismatch',
      )
    await follow(identity)
    const reason = await transaction(pool, async (tx) => {
      const { hidden } = await noteAccount(tx, viewer.did, clock.now())
      await indexer.write(tx, { ...place, ...proof }, { now: clock.now(), hidden })
      // Asked for even when the write was nothing new: the firehose may have been quicker.
      return reasonKept(tx, place)
    })
    if (reason !== null)
      throw new InvalidRequestError(`${uri} is refused: ${reason}.`, 'RecordRefused')
    return { cid: proof.cid }
  }
}

/** A repo in a space has no proof of one record; it is synced whole, and then says what there
 *  is. */
async function announceInSpace(
  { pool, syncSpaceRepo }: Pick<Parameters<typeof createAnnounce>[0], 'pool' | 'syncSpaceRepo'>,
  at: Place & { place: string },
  { uri, cid }: Announcement,
): Promise<{ cid: string | null }> {
  await syncSpaceRepo(at.place, at.did).catch((cause: unknown) => {
    throw unreachable(`The repo of ${at.did} in ${at.place} cannot be read.`, cause)
  })
  const { rows } = await pool.query<{ cid: string | null; reason: string | null }>(
    `select cid, reason from appview."spaceRecord"
     where did = $1 and collection = $2 and rkey = $3 and place = $4`,
    [at.did, at.collection, at.rkey, at.place],
  )
  const kept = rows[0] ?? { cid: null, reason: null }
  if ((kept.cid === null) !== (cid === undefined))
    throw new InvalidRequestError(
      kept.cid === null
        ? `${uri} does not exist there.`
        : `${uri} is still there. Delete it first.`,
      'AnnouncedRecordMismatch',
    )
  if (kept.reason !== null)
    throw new InvalidRequestError(`${uri} is refused: ${kept.reason}.`, 'RecordRefused')
  return { cid: kept.cid }
}

type Place = { did: string; collection: string; rkey: string }
type Proved = { rev: string; cid: string | null; bytes: Uint8Array | null }

async function reasonKept(tx: Sql, { did, collection, rkey }: Place): Promise<string | null> {
  const { rows } = await tx.query<{ reason: string | null }>(
    'select reason from appview.record where did = $1 and collection = $2 and rkey = $3',
    [did, collection, rkey],
  )
  return rows[0]?.reason ?? null
}

/** Asks the author's PDS; when the signature does not hold, once more with a fresh DID document. */
async function prove(
  { resolver, outbound }: { resolver: IdentityResolver; outbound: Outbound },
  place: Place,
): Promise<{ identity: Identity; proof: Proved }> {
  for (const refresh of [false, true]) {
    const identity = await resolver.resolve(place.did, { refresh }).catch((cause: unknown) => {
      throw unreachable('The author’s DID cannot be resolved now.', cause)
    })
    if (!identity) throw unreachable('The author’s DID has no PDS.')
    const proof = await fetchRecordProof(outbound, identity, place).catch((cause: unknown) => {
      throw unreachable(`${cause instanceof Error ? cause.message : String(cause)}.`, cause)
    })
    if (proof.ok) return { identity, proof: { bytes: null, ...proof } }
    if (refresh || proof.reason !== 'BadSignature')
      throw new InvalidRequestError(
        `What ${identity.pds} sent is no proof of the record: ${proof.reason}.`,
        'AnnouncedRecordMismatch',
      )
  }
  throw unreachable('The author’s DID document changes too fast.')
}

function unreachable(message: string, cause?: unknown): UpstreamFailureError {
  return new UpstreamFailureError(`${message} Try again later.`, 'PdsUnreachable', { cause })
}
