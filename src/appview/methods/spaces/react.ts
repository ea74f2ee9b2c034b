import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { message } from '../../collections/spaces/message.ts'
import { reaction } from '../../collections/spaces/reaction.ts'
import { present } from '../../look.ts'
import { type SeenSpace, requireWriter } from '../../membership.ts'
import { type OwnRecords, deleteOwn, putOwn } from '../../own-record.ts'
import { knownUri, placeOf, readReference, uriIn } from '../../reference.ts'
import { notFound } from '../../not-found.ts'
import { requireReactor } from '../../poster.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'

type Deps = Reading & OwnRecords & { readonly clock: Clock; readonly nextTid: () => string }

/** `spaces.addReaction` and `spaces.removeReaction`: an emoji of the caller's on a message. */
export function react(mount: Mount, deps: Deps): void {
  const { sql, origin, clock, nextTid } = deps
  const collection = reaction.nsid

  procedure(mount, co.kendev.spaces.addReaction, async ({ input, viewer }) => {
    const { uri, cid, space, subject, emoji } = input
    if (uri !== undefined && cid === undefined) return deleteOwn(deps, { viewer, collection, uri })
    if (uri === undefined && (!subject || !emoji || !space))
      throw new InvalidRequestError('Give subject, emoji and space.', 'InvalidRecord')
    if (!space)
      throw new InvalidRequestError('Say which space the reaction is in.', 'InvalidRecord')
    const asks = { space, did: viewer.did, subject: subject?.uri }
    const { seen, standing } = await requireReactor(sql, asks)
    const place = await placeOfSubject(subject?.uri ?? uri, { viewer: viewer.did, seen })
    requireWriter(standing, place)
    const already = subject && emoji ? await same(subject.uri, viewer.did, emoji) : undefined
    const createdAt = clock.now().toISOString()
    const made =
      already ??
      (await putOwn(
        deps,
        { viewer, collection, uri, cid, place },
        {
          rkey: nextTid(),
          record: { $type: collection, subject, space, emoji, createdAt },
        },
      ))
    const row = await findRow({ sql, viewer: viewer.did }, reaction, made.uri)
    const view = row && (await present(reaction, [row], { sql, origin, viewer: viewer.did }))[0]
    return { ...made, reaction: view } as never
  })

  procedure(mount, co.kendev.spaces.removeReaction, async ({ input, viewer }) => {
    if (!input.uri) throw notFound('reaction without a uri')
    return deleteOwn(deps, { viewer, collection, uri: input.uri })
  })

  /** A reaction is for those who read what it is about. */
  async function placeOfSubject(
    uri: string | undefined,
    { viewer, seen }: { viewer: string; seen: SeenSpace },
  ): Promise<string> {
    const named = uri === undefined ? undefined : readReference(uri)
    if (!named) return seen.place
    if (named.collection === collection) return placeOf(named)
    const row = await findRow({ sql, viewer }, message, uri!)
    if (row) return row.place
    // One to a public message that this node has not heard of yet waits for it. In a space that is
    // not public it would tell everybody who is a member there.
    if (named.space || seen.place !== '') throw notFound(uri!)
    return ''
  }

  async function same(subject: string, did: string, emoji: string) {
    const values = [knownUri(subject), did, emoji]
    const { rows } = await sql.query<{ uri: string; cid: string; place: string }>(SAME, values)
    return rows[0] && { uri: uriIn(rows[0].place, rows[0].uri), cid: rows[0].cid }
  }
}

const SAME = `select uri, cid, place from appview.reaction
  where subject = $1 and did = $2 and emoji = $3`
