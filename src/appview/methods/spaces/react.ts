import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { reaction } from '../../collections/spaces/reaction.ts'
import { present } from '../../look.ts'
import { requirePermission } from '../../membership.ts'
import { type OwnRecords, deleteOwn, putOwn } from '../../own-record.ts'
import { type Mount, type Reading, notFound, procedure } from '../../serve.ts'
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
    if (space) {
      await requirePermission(sql, { space, did: viewer.did, permission: 'post_messages' })
    } else throw new InvalidRequestError('Say which space the reaction is in.', 'InvalidRecord')
    const already =
      subject &&
      emoji &&
      (await sql.query<{ uri: string; cid: string }>(SAME, [subject.uri, viewer.did, emoji]))
    const made =
      (already || undefined)?.rows[0] ??
      (await putOwn(
        deps,
        { viewer, collection, uri, cid },
        {
          rkey: nextTid(),
          record: {
            $type: collection,
            subject,
            space,
            emoji,
            createdAt: clock.now().toISOString(),
          },
        },
      ))
    const row = await findRow(sql, reaction, made.uri)
    const view = row && (await present(reaction, [row], { sql, origin, viewer: viewer.did }))[0]
    return { ...made, reaction: view } as never
  })

  procedure(mount, co.kendev.spaces.removeReaction, async ({ input, viewer }) => {
    if (!input.uri) throw notFound('reaction without a uri')
    return deleteOwn(deps, { viewer, collection, uri: input.uri })
  })
}

const SAME = 'select uri, cid from appview.reaction where subject = $1 and did = $2 and emoji = $3'
