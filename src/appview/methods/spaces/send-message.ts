import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { message } from '../../collections/spaces/message.ts'
import { present } from '../../look.ts'
import { requirePermission } from '../../membership.ts'
import { type OwnRecords, deleteOwn, putOwn } from '../../own-record.ts'
import { readReference, recordUri } from '../../reference.ts'
import { type Mount, type Reading, notFound, procedure } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'

type Deps = Reading & OwnRecords & { readonly clock: Clock; readonly nextTid: () => string }

/** `spaces.sendMessage` writes a member's message, or takes in one written, changed or deleted at
 *  the member's own PDS; `spaces.deleteMessage` deletes one. */
export function sendMessage(mount: Mount, deps: Deps): void {
  const { sql, origin, clock, nextTid } = deps
  const collection = message.nsid

  const shown = async (uri: string, viewer: string) => {
    const row = await findRow(sql, message, uri)
    return row && (await present(message, [row], { sql, origin, viewer }))[0]
  }

  procedure(mount, co.kendev.spaces.sendMessage, async ({ input, viewer }) => {
    const { rkey, uri, cid, ...content } = input
    if (uri !== undefined && cid === undefined) return deleteOwn(deps, { viewer, collection, uri })
    if (content.space === undefined)
      throw new InvalidRequestError('Say which space the message is for.', 'InvalidRecord')
    await requirePermission(sql, {
      space: content.space,
      did: viewer.did,
      permission: 'post_messages',
    })
    await checkPlace(content.channel, content.reply?.parent.uri)
    const sent = rkey && (await shown(recordUri(viewer.did, collection, rkey), viewer.did))
    if (sent) return { uri: recordUri(viewer.did, collection, rkey), message: sent } as never
    const record = { $type: collection, ...content, createdAt: clock.now().toISOString() }
    const written = await putOwn(
      deps,
      { viewer, collection, uri, cid },
      { rkey: rkey ?? nextTid(), record },
    )
    return { ...written, message: await shown(written.uri, viewer.did) } as never
  })

  procedure(mount, co.kendev.spaces.deleteMessage, ({ input, viewer }) =>
    deleteOwn(deps, { viewer, collection, uri: input.uri }),
  )

  async function checkPlace(channel: string | undefined, parent: string | undefined) {
    for (const [uri, table] of [
      [channel, 'channel'],
      [parent, 'message'],
    ] as const) {
      if (uri === undefined) continue
      const found = readReference(uri)
        ? await sql.query(`select 1 from appview."${table}" where uri = $1`, [uri])
        : { rows: [] }
      if (found.rows.length === 0) throw notFound(uri)
    }
  }
}
