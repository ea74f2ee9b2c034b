import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { channel } from '../../collections/spaces/channel.ts'
import { message } from '../../collections/spaces/message.ts'
import type { Collection } from '../../define.ts'
import { present } from '../../look.ts'
import { requireWriter } from '../../membership.ts'
import { requirePoster } from '../../poster.ts'
import { notFound } from '../../not-found.ts'
import { type OwnRecords, deleteOwn, putOwn } from '../../own-record.ts'
import { recordUri, uriIn } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'

type Deps = Reading & OwnRecords & { readonly clock: Clock; readonly nextTid: () => string }

/** `spaces.sendMessage` writes a member's message into the repo that its channel calls for, or
 *  takes in one written, changed or deleted at the member's own PDS; `spaces.deleteMessage`
 *  deletes one. */
export function sendMessage(mount: Mount, deps: Deps): void {
  const { sql, origin, clock, nextTid } = deps
  const collection = message.nsid

  const shown = async (uri: string, viewer: string) => {
    const row = await findRow({ sql, viewer }, message, uri)
    return row && (await present(message, [row], { sql, origin, viewer }))[0]
  }

  procedure(mount, co.kendev.spaces.sendMessage, async ({ input, viewer }) => {
    const { rkey, uri, cid, ...content } = input
    if (uri !== undefined && cid === undefined) return deleteOwn(deps, { viewer, collection, uri })
    if (content.space === undefined)
      throw new InvalidRequestError('Say which space the message is for.', 'InvalidRecord')
    const { channel: stream, space } = content
    const { seen, found, standing } = await requirePoster(sql, { space, stream, did: viewer.did })
    const at = content.reply?.parent.uri
    const answered = at === undefined ? undefined : await placeIn(message, at, viewer.did)
    const place = found?.place ?? answered ?? seen.place
    requireWriter(standing, place)
    if (answered !== undefined && answered !== place)
      throw new InvalidRequestError(
        'An answer is for those who read what it answers. Send it to the same channel.',
        'InvalidRecord',
      )
    const sent = rkey && (await shown(recordUri(viewer.did, collection, rkey), viewer.did))
    if (sent) {
      const address = uriIn(place, recordUri(viewer.did, collection, rkey))
      return { uri: address, message: sent } as never
    }
    const record = { $type: collection, ...content, createdAt: clock.now().toISOString() }
    const written = await putOwn(
      deps,
      { viewer, collection, uri, cid, place },
      { rkey: rkey ?? nextTid(), record },
    )
    return { ...written, message: await shown(written.uri, viewer.did) } as never
  })

  procedure(mount, co.kendev.spaces.deleteMessage, ({ input, viewer }) =>
    deleteOwn(deps, { viewer, collection, uri: input.uri }),
  )

  /** Where a message stands, if the viewer may read it. */
  async function placeIn(c: Collection, uri: string, viewer: string): Promise<string> {
    const row = await findRow({ sql, viewer }, c, uri)
    if (!row) throw notFound(uri)
    return row.place
  }
}
