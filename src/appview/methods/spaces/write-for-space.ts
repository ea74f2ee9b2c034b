import type { Readable } from 'node:stream'
import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { checkRecord } from '../../check-record.ts'
import { channel } from '../../collections/spaces/channel.ts'
import { collections } from '../../collections/index.ts'
import { present } from '../../look.ts'
import { requirePermission } from '../../membership.ts'
import type { RepoWriter } from '../../own-record.ts'
import type { Progress } from '../../progress.ts'
import { type Mount, type Reading, notFound, procedure } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'

type Deps = Reading & {
  readonly writer: RepoWriter
  readonly progress: Progress
  readonly clock: Clock
  readonly nextTid: () => string
  readonly isHosted: (did: string) => Promise<boolean>
  readonly uploadBlob: (blob: {
    did: string
    content: Readable
    mimeType: string
  }) => Promise<object>
}

/** What people do on a space's behalf, as far as their role in it goes: `spaces.createChannel`,
 *  `spaces.putRecord`, `spaces.deleteRecord` and `spaces.uploadBlob` write into its repo. */
export function writeForSpace(mount: Mount, deps: Deps): void {
  const { sql, origin, writer, progress, clock, nextTid } = deps

  procedure(mount, co.kendev.spaces.createChannel, async ({ input, viewer }) => {
    const { space, ...about } = input
    await permitted(space, viewer.did, channel.nsid)
    const record = { $type: channel.nsid, space, ...about, createdAt: clock.now().toISOString() }
    const { uri } = await put(space, channel.nsid, nextTid(), { record })
    const row = await findRow(sql, channel, uri)
    if (!row) throw notFound(`channel ${uri} yet`)
    return (await present(channel, [row], { sql, origin, viewer: viewer.did }))[0] as never
  })

  procedure(mount, co.kendev.spaces.putRecord, async ({ input, viewer }) => {
    const { space, collection, rkey, swapRecord } = input
    await permitted(space, viewer.did, collection)
    const record = { ...(input.record as Record<string, unknown>), $type: collection }
    const written = await put(space, collection, rkey ?? nextTid(), {
      record,
      ...(swapRecord === undefined ? {} : { swapRecord }),
    })
    return written as never
  })

  procedure(mount, co.kendev.spaces.deleteRecord, async ({ input, viewer }) => {
    const { space, collection, rkey } = input as {
      space: string
      collection: string
      rkey: string
    }
    await permitted(space, viewer.did, collection)
    if (collection === co.kendev.spaces.space.$type)
      throw new ForbiddenError('A space cannot be without its own description.', 'Forbidden')
    const { rev } = await writer.deleteRecord({ did: space, collection, rkey })
    await progress.reached(space, rev)
    return { uri: `at://${space}/${collection}/${rkey}` } as never
  })

  procedure(mount, co.kendev.spaces.uploadBlob, async ({ params, input, encoding, viewer }) => {
    const { space } = params as { space: string }
    await permitted(space, viewer.did, co.kendev.spaces.space.$type)
    const content = input as unknown as Readable
    return { blob: await deps.uploadBlob({ did: space, content, mimeType: encoding }) } as never
  })

  /** The collection has to be one that people write for a space, and the caller's role has to
   *  cover it: memberships, for one, are made by joining only. */
  async function permitted(space: string, did: string, collection: string): Promise<void> {
    const permission = collections.find((c) => c.nsid === collection)?.manage
    if (!permission)
      throw new InvalidRequestError(
        `${collection} is not written on behalf of a space.`,
        'Forbidden',
      )
    await requirePermission(sql, { space, did, permission })
    if (!(await deps.isHosted(space))) throw notFound(`repo of ${space}`)
  }

  async function put(
    did: string,
    collection: string,
    rkey: string,
    what: { record: Record<string, unknown>; swapRecord?: string | null },
  ): Promise<{ uri: string; cid: string }> {
    checkRecord({ did, collection, rkey }, what.record)
    const { rev, results } = await writer.putRecord({ did, collection, rkey, ...what })
    await progress.reached(did, rev)
    return { uri: results[0]!.uri, cid: results[0]!.cid! }
  }
}
