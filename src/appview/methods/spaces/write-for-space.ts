import type { Readable } from 'node:stream'
import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { checkRecord } from '../../check-record.ts'
import { channel } from '../../collections/spaces/channel.ts'
import { space as spaceRecord } from '../../collections/spaces/space.ts'
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
    await permit(deps, { space, did: viewer.did, collection: channel.nsid })
    const record = { $type: channel.nsid, space, ...about, createdAt: clock.now().toISOString() }
    const at = { did: space, collection: channel.nsid, rkey: nextTid() }
    const { uri } = await put(deps, { ...at, record })
    const row = await findRow(sql, channel, uri)
    if (!row) throw notFound(`channel ${uri} yet`)
    return (await present(channel, [row], { sql, origin, viewer: viewer.did }))[0] as never
  })

  procedure(mount, co.kendev.spaces.putRecord, async ({ input, viewer }) => {
    const { space, collection, rkey, swapRecord } = input
    await permit(deps, { space, did: viewer.did, collection })
    const record = { ...(input.record as Record<string, unknown>), $type: collection }
    refuseReadOnly(collection, record)
    const swap = swapRecord === undefined ? {} : { swapRecord }
    const at = { did: space, collection, rkey: rkey ?? nextTid() }
    return (await put(deps, { ...at, record, ...swap })) as never
  })

  procedure(mount, co.kendev.spaces.deleteRecord, async ({ input, viewer }) => {
    const { space, collection, rkey, swapRecord } = input
    await permit(deps, { space, did: viewer.did, collection })
    if (collection === spaceRecord.nsid)
      throw new ForbiddenError('A space cannot be without its own description.', 'Forbidden')
    const swap = swapRecord === undefined ? {} : { swapRecord }
    const { rev } = await writer.deleteRecord({ did: space, collection, rkey, ...swap })
    await progress.reached(space, rev)
    return { uri: `at://${space}/${collection}/${rkey}` } as never
  })

  procedure(mount, co.kendev.spaces.uploadBlob, async ({ params, input, encoding, viewer }) => {
    const { space } = params as { space: string }
    await permit(deps, { space, did: viewer.did, collection: spaceRecord.nsid })
    const content = input as unknown as Readable
    return { blob: await deps.uploadBlob({ did: space, content, mimeType: encoding }) } as never
  })
}

/** The collection has to be one that people write for a space, and the caller's role has to cover
 *  it: memberships, for one, are made by joining only. */
async function permit(
  { sql, isHosted }: Deps,
  { space, did, collection }: { space: string; did: string; collection: string },
): Promise<void> {
  const permission = collections.find((c) => c.nsid === collection)?.access.manage
  if (!permission)
    throw new InvalidRequestError(`${collection} is not written on behalf of a space.`, 'Forbidden')
  await requirePermission(sql, { space, did, permission })
  if (!(await isHosted(space))) throw notFound(`repo of ${space}`)
}

async function put(
  { writer, progress }: Deps,
  what: Parameters<RepoWriter['putRecord']>[0],
): Promise<{ uri: string; cid: string }> {
  checkRecord(what, what.record)
  const { rev, results } = await writer.putRecord(what)
  await progress.reached(what.did, rev)
  return { uri: results[0]!.uri, cid: results[0]!.cid! }
}

/** What views compute is never part of a record. Other unknown fields are kept: a newer lexicon may
 *  know them. */
const COMPUTED = ['uri', 'cid', 'stats', 'viewer', 'indexedAt']

function refuseReadOnly(collection: string, record: Readonly<Record<string, unknown>>): void {
  const derived = Object.keys(collections.find((c) => c.nsid === collection)?.derived ?? {})
  const sent = [...COMPUTED, ...derived].find((name) => Object.hasOwn(record, name))
  if (sent === undefined) return
  throw new InvalidRequestError(`${sent} is computed by the node. Leave it out.`, 'ReadOnlyField')
}
