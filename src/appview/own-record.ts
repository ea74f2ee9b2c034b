import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Viewer } from './access.ts'
import type { Announce } from './announce.ts'
import { checkRecord } from './check-record.ts'
import type { Progress } from './progress.ts'
import { readReference, recordUri } from './reference.ts'

type Content = Record<string, unknown>
type Place = { did: string; collection: string; rkey: string }

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
  deleteRecord(w: Place & { swapRecord?: string }): Promise<Written>
  /** All or nothing. */
  createAll(w: {
    did: string
    creates: (Omit<Place, 'did'> & { record: Content })[]
  }): Promise<Written>
}

/** What a method needs to bring about a record of the caller's own. */
export type OwnRecords = {
  readonly writer: RepoWriter
  readonly announce: Announce
  readonly progress: Progress
}

type Wanted = {
  readonly viewer: Viewer
  readonly collection: string
  /** Set by a caller who wrote at their own PDS. */
  readonly uri?: string
  readonly cid?: string
}

/** Puts a record into the caller's repo when it is hosted here, or takes in what a caller of
 *  another PDS announces. Throws `WriteAtYourPds` for one who announces nothing, and what
 *  `checkRecord` throws for a record that would not be shown. */
export async function putOwn(
  { writer, announce, progress }: OwnRecords,
  { viewer, collection, uri, cid }: Wanted,
  content: { rkey: string; record: Content },
): Promise<{ uri: string; cid: string }> {
  if (viewer.kind === 'remote' || uri !== undefined) {
    if (uri === undefined || cid === undefined) throw writeAtYourPds(viewer, collection)
    const shown = await announce(viewer, { uri, cid }, collection)
    return { uri, cid: shown.cid ?? cid }
  }
  viewer.assertMayWrite?.('create', collection)
  const { did } = viewer
  checkRecord({ did, collection, rkey: content.rkey }, content.record)
  const written = await writer.putRecord({ did, collection, ...content })
  await progress.reached(did, written.rev)
  const result = written.results[0]!
  return { uri: result.uri, cid: result.cid! }
}

/** Deletes a record of the caller's own, or takes in the proof that its author has done so. */
export async function deleteOwn(
  { writer, announce, progress }: OwnRecords,
  { viewer, collection, uri, rkey }: Omit<Wanted, 'cid'> & { rkey?: string },
): Promise<{ uri: string }> {
  const reference = uri === undefined ? undefined : readReference(uri)
  const key = rkey ?? reference?.rkey
  const other = reference?.author !== viewer.did || reference.collection !== collection
  if (key === undefined || (reference && other))
    throw new InvalidRequestError('Name a record of your own to delete.', 'NotFound')
  const address = uri ?? recordUri(viewer.did, collection, key)
  if (viewer.kind === 'remote') {
    if (uri === undefined) throw writeAtYourPds(viewer, collection)
    await announce(viewer, { uri }, collection)
    return { uri }
  }
  viewer.assertMayWrite?.('delete', collection)
  const { did } = viewer
  const written = await writer.deleteRecord({ did, collection, rkey: key })
  await progress.reached(did, written.rev)
  return { uri: address }
}

function writeAtYourPds(viewer: Viewer, collection: string): InvalidRequestError {
  return new InvalidRequestError(
    `This record belongs to ${viewer.did}, whose PDS is elsewhere. ` +
      `Write the ${collection} there, ` +
      'then call this method again through your PDS with its uri and cid.',
    'WriteAtYourPds',
  )
}
