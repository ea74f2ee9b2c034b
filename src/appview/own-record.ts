import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Evidence, Viewer } from './access.ts'
import type { Announce } from './announce.ts'
import { checkRecord } from './check-record.ts'
import type { Progress } from './progress.ts'
import { placeOf, readReference, recordUri, uriIn } from './reference.ts'

type Content = Record<string, unknown>
/** `place` is the permissioned space of the repo, absent or empty for a public one. */
type Place = { did: string; collection: string; rkey: string; place?: string }

/** What a write did: the repo's revision after it, and one result for each record written. */
export type Written = {
  readonly did: string
  readonly rev: string
  readonly results: readonly { uri: string; cid: string | undefined }[]
}

/** The repos of this node, as methods write them. Only a writer writes, and only into repos that
 *  are hosted here. */
export type RepoWriter = {
  putRecord(w: Place & { record: Content; swapRecord?: string | null }): Promise<Written>
  deleteRecord(w: Place & { swapRecord?: string; swapHead?: string }): Promise<Written>
  /** All or nothing, and only while the repo still has the head `swapHead`; else `InvalidSwap`. */
  putAll(w: {
    did: string
    place?: string
    puts: readonly (Omit<Place, 'did' | 'place'> & { record: Content })[]
    swapHead?: string
  }): Promise<Written>
  /** How far the repo is, and what tells its head from every other. */
  head(at: { did: string; place?: string }): Promise<{ rev: string; swapHead: string }>
  /** All or nothing. */
  createAll(w: {
    did: string
    place?: string
    creates: (Omit<Place, 'did'> & { record: Content })[]
  }): Promise<Written>
}

/** What is written in permissioned spaces by accounts hosted elsewhere. */
export type Guests = {
  /** Whether the PDS of the account keeps permissioned repos. */
  keepsRepos(did: string): Promise<boolean>
  /** Keeps a record here on behalf of an account whose PDS cannot, until it can; unsigned, with
   *  what shows that the account has asked for it. */
  putRecord(w: Place & { record: Content; evidence: Evidence }): Promise<Written>
  deleteRecord(w: Place): Promise<Written>
}

/** What a method needs to bring about a record of the caller's own. */
export type OwnRecords = {
  readonly writer: RepoWriter
  readonly guests: Guests
  readonly announce: Announce
  readonly progress: Progress
}

type Wanted = {
  readonly viewer: Viewer
  readonly collection: string
  /** The permissioned space the record is for; absent or empty when it is for everybody. */
  readonly place?: string
  /** Set by a caller who wrote at their own PDS. */
  readonly uri?: string
  readonly cid?: string
}

/** Puts a record into the caller's repo when it is hosted here, or takes in what a caller of
 *  another PDS announces. Throws `WriteAtYourPds` for one who announces nothing, unless their PDS
 *  has no permissioned repos and the record is for one, and what `checkRecord` throws for a record
 *  that would not be shown. */
export async function putOwn(
  { writer, guests, announce, progress }: OwnRecords,
  { viewer, collection, uri, cid, place = '' }: Wanted,
  content: { rkey: string; record: Content },
): Promise<{ uri: string; cid: string }> {
  const { did } = viewer
  const at = { did, collection, place, ...content }
  if (uri !== undefined) {
    if (cid === undefined) throw writeAtYourPds(viewer, collection, place)
    const shown = await announce(viewer, { uri, cid }, { collection, place })
    return { uri, cid: shown.cid ?? cid }
  }
  if (viewer.kind === 'remote') {
    const { evidence } = viewer
    if (place === '' || !evidence || (await guests.keepsRepos(did)))
      throw writeAtYourPds(viewer, collection, place)
    checkRecord(at, content.record)
    return shownAs(progress, place, await guests.putRecord({ ...at, evidence }))
  }
  viewer.assertMayWrite?.('create', collection)
  checkRecord(at, content.record)
  return shownAs(progress, place, await writer.putRecord(at))
}

async function shownAs(progress: Progress, place: string, { did, rev, results }: Written) {
  await progress.reached(did, rev, place)
  const { uri, cid } = results[0]!
  return { uri, cid: cid! }
}

/** Deletes a record of the caller's own, or takes in the proof that its author has done so. */
export async function deleteOwn(
  { writer, guests, announce, progress }: OwnRecords,
  { viewer, collection, uri, rkey, place: given = '' }: Omit<Wanted, 'cid'> & { rkey?: string },
): Promise<{ uri: string }> {
  const reference = uri === undefined ? undefined : readReference(uri)
  const key = rkey ?? reference?.rkey
  const other = reference?.author !== viewer.did || reference.collection !== collection
  if (key === undefined || (reference && other))
    throw new InvalidRequestError('Name a record of your own to delete.', 'NotFound')
  const place = reference ? placeOf(reference) : given
  const { did } = viewer
  const at = { did, collection, rkey: key, place }
  if (viewer.kind === 'remote') {
    const guest = place !== '' && !(await guests.keepsRepos(did))
    if (guest) return { uri: await gone(progress, at, await guests.deleteRecord(at)) }
    if (uri === undefined) throw writeAtYourPds(viewer, collection, place)
    await announce(viewer, { uri }, { collection, place })
    return { uri }
  }
  viewer.assertMayWrite?.('delete', collection)
  return { uri: await gone(progress, at, await writer.deleteRecord(at)) }
}

async function gone(progress: Progress, at: Place, { rev }: Written): Promise<string> {
  const { did, collection, rkey, place = '' } = at
  await progress.reached(did, rev, place)
  return uriIn(place, recordUri(did, collection, rkey))
}

function writeAtYourPds(viewer: Viewer, collection: string, place: string): InvalidRequestError {
  const where = place === '' ? 'there' : `there, into ${place}`
  return new InvalidRequestError(
    `This record belongs to ${viewer.did}, whose PDS is elsewhere. ` +
      `Write the ${collection} ${where}, ` +
      'then call this method again through your PDS with its uri and cid.',
    'WriteAtYourPds',
  )
}
