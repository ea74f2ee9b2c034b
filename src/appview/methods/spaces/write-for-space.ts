import type { Readable } from 'node:stream'
import { ForbiddenError, InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import type { Outbox } from '../../../jobs/jobs.ts'
import { co } from '../../../lexicons/index.ts'
import { type Audience, audienceUri, isAudience, rolesOf } from '../../../permissioned/audience.ts'
import { channelAccess } from '../../channel-reach.ts'
import { type Auditing, auditedWriter } from '../../audited-writer.ts'
import { product } from '../../collections/commerce/product.ts'
import { channelRules } from '../../collections/spaces/channel-rules.ts'
import { channelAudience } from '../../collections/spaces/channel-access.ts'
import { channel } from '../../collections/spaces/channel.ts'
import { space as spaceRecord } from '../../collections/spaces/space.ts'
import { collections } from '../../collections/index.ts'
import type { Collection } from '../../define.ts'
import { present } from '../../look.ts'
import { moveOf } from '../../machine.ts'
import { requirePermission } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import type { RepoWriter } from '../../own-record.ts'
import type { Progress } from '../../progress.ts'
import { putRecord } from '../../put-record.ts'
import { recordUri, uriIn } from '../../reference.ts'
import { quote, tableName } from '../../schema.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'
import { permitTenant, requireOpenTenant, withinProducts } from '../../tenant-spaces.ts'
import { withinStorage } from '../../tenant-storage.ts'
import type { Turns } from '../../turns.ts'

type Deps = Reading &
  Auditing & {
    readonly writer: RepoWriter
    readonly progress: Progress
    readonly clock: Clock
    readonly nextTid: () => string
    readonly isHosted: (did: string) => Promise<boolean>
    readonly uploadBlob: (blob: {
      did: string
      content: Readable
      mimeType: string
    }) => Promise<{ readonly size: number }>
    readonly outbox: Outbox
    /** One after the other for each name. */
    readonly inTurn: Turns
  }

/** What people do on a space's behalf, as far as their role in it goes: `spaces.createChannel`,
 *  `spaces.putRecord`, `spaces.deleteRecord` and `spaces.uploadBlob` write into the repo of the
 *  space that the audience of the record calls for. */
export function writeForSpace(mount: Mount, deps: Deps): void {
  const { sql, origin, progress, clock, nextTid } = deps
  const acting = (actor: string, action: string): Deps => ({
    ...deps,
    writer: auditedWriter(deps, { actor, action }),
  })

  procedure(mount, co.kendev.spaces.createChannel, async ({ input, viewer }) => {
    const { space, audience, ...about } = input
    const record = { $type: channel.nsid, space, ...about, createdAt: clock.now().toISOString() }
    const wish = { space, did: viewer.did, collection: channel.nsid, audience, record }
    const place = await permit(deps, wish)
    await requireOpenTenant(sql, space)
    const at = { did: space, collection: channel.nsid, rkey: nextTid(), place }
    const { $lxm } = co.kendev.spaces.createChannel
    const { uri } = await putRecord(acting(viewer.did, $lxm), { ...at, record })
    const row = await findRow({ sql, viewer: viewer.did }, channel, uri)
    if (!row) throw notFound(`channel ${uri} yet`)
    return (await present(channel, [row], { sql, origin, viewer: viewer.did }))[0] as never
  })

  procedure(mount, co.kendev.spaces.putRecord, async ({ input, viewer }) => {
    const { space, collection, rkey, swapRecord, audience } = input
    const record = { ...(input.record as Record<string, unknown>), $type: collection }
    const wish = { space, did: viewer.did, collection, audience, record, rkey }
    const place = await permit(deps, wish)
    await permitTenant(sql, space, record)
    refuseReadOnly(collection, record)
    await refuseMove(sql, { collection, record, uri: rkey && recordUri(space, collection, rkey) })
    const swap = swapRecord === undefined ? {} : { swapRecord }
    const at = { did: space, collection, rkey: rkey ?? nextTid(), place }
    const as = acting(viewer.did, co.kendev.spaces.putRecord.$lxm)
    const write = () => putRecord(as, { ...at, record, ...swap })
    const written = collection === product.nsid ? withinProducts(deps, at, write) : write()
    return (await written) as never
  })

  procedure(mount, co.kendev.spaces.deleteRecord, async ({ input, viewer }) => {
    const { space, collection, rkey, swapRecord, audience } = input
    const given = await permit(deps, { space, did: viewer.did, collection, audience, rkey })
    if (collection === spaceRecord.nsid)
      throw new ForbiddenError('A space cannot be without its own description.', 'Forbidden')
    const swap = swapRecord === undefined ? {} : { swapRecord }
    const c = collections.find(({ nsid }) => nsid === collection)!
    const known = recordUri(space, collection, rkey)
    const row = audience ? undefined : await findRow({ sql, viewer: viewer.did }, c, known)
    const place = row?.place ?? given
    const { writer } = acting(viewer.did, co.kendev.spaces.deleteRecord.$lxm)
    const { rev } = await writer.deleteRecord({ did: space, collection, rkey, place, ...swap })
    await progress.reached(space, rev, place)
    return { uri: uriIn(place, known) } as never
  })

  uploadForSpace(mount, deps)
}

function uploadForSpace(mount: Mount, deps: Deps): void {
  const { sql } = deps
  procedure(
    mount,
    co.kendev.spaces.uploadBlob,
    async ({ params, input, encoding, length, viewer }) => {
      const { space } = params as { space: string }
      await permit(deps, { space, did: viewer.did, collection: spaceRecord.nsid })
      await requireOpenTenant(sql, space)
      const upload = () =>
        deps.uploadBlob({ did: space, content: input as unknown as Readable, mimeType: encoding })
      return { blob: await withinStorage(deps, { about: space, length }, upload) } as never
    },
  )
}

type Wish = {
  space: string
  did: string
  collection: string
  audience?: string
  record?: Readonly<Record<string, unknown>>
  rkey?: string | undefined
}

/** Where the record goes. The collection has to be one that people write for a space, and the
 *  caller's role has to cover it and to read what it writes: memberships, for one, are made by
 *  joining only. A space that is not public puts nothing into its public repo, and what is never
 *  public (a note about a member) goes to nobody but those it is for. */
async function permit({ sql, isHosted }: Deps, wish: Wish): Promise<string> {
  const { space, did, collection, audience, record } = wish
  const c = collections.find(({ nsid }) => nsid === collection)
  if (!c?.access.manage)
    throw new InvalidRequestError(`${collection} is not written on behalf of a space.`, 'Forbidden')
  const permission = (await administers(sql, wish)) ? 'post_messages' : c.access.manage
  const { standing, seen } = await requirePermission(sql, { space, did, permission })
  if (!(await isHosted(space))) throw notFound(`repo of ${space}`)
  const wanted = audience === undefined ? audienceFor(c, seen.place, record) : checked(audience)
  if (c.access.places === 'public' && (wanted ?? (record && seen.place)))
    throw new InvalidRequestError(
      `${collection} is always public, and what is here is not for everybody.`,
      'NotSupported',
    )
  if (wanted === undefined) return ''
  if (c.access.places === 'permissioned' && wanted !== audienceFor(c, seen.place, record))
    throw new InvalidRequestError(
      `${collection} is never for ${wanted}. Leave the audience out.`,
      'NotSupported',
    )
  if (!rolesOf(wanted, 'write').includes(standing.role))
    throw new ForbiddenError(
      `A ${standing.role} does not write what is for ${wanted}.`,
      'Forbidden',
    )
  return audienceUri(space, wanted)
}

/** Whether the caller has been given a channel to look after, and it is the one meant. */
async function administers(sql: Reading['sql'], { space, did, collection, rkey }: Wish) {
  if (rkey === undefined || ![channel.nsid, channelRules.nsid].includes(collection)) return false
  const at = { space, did, channel: recordUri(space, channel.nsid, rkey) }
  return (await channelAccess(sql, at)) === 'admin'
}

/** What is not for everybody goes to the narrowest audience that its collection names; what stands
 *  finished in a space that is not public goes to all members (AC-09). */
function audienceFor(
  c: Collection,
  place: string,
  record: Readonly<Record<string, unknown>> | undefined,
): Audience | undefined {
  const { places, audience = 'members' } = c.access
  // No collection that people write for a space has customers.
  if (audience === 'customer') return undefined
  if (places === 'permissioned') return audience
  const narrow = c.nsid === channel.nsid ? channelAudience(controlOf(record)) : undefined
  if (narrow) return narrow
  if (places === 'either' && UNFINISHED.includes(String(record?.['status']))) return audience
  return place === '' || places === 'public' ? undefined : 'members'
}

/** The access control of a channel's record; of one that is malformed, which `checkRecord` refuses,
 *  there is none. */
function controlOf(record: Readonly<Record<string, unknown>> | undefined) {
  const read = co.kendev.spaces.channel.accessControl.safeParse(record?.['accessControl'])
  return read.success ? read.value : {}
}

const UNFINISHED = ['draft', 'scheduled']

function checked(audience: string): Audience {
  if (isAudience(audience)) return audience
  throw new InvalidRequestError(`There is no audience ${audience}.`, 'NotSupported')
}

/** What has states goes from one to another by the methods for that, which keep who did it. */
async function refuseMove(
  sql: Reading['sql'],
  put: { collection: string; record: Readonly<Record<string, unknown>>; uri: string | undefined },
): Promise<void> {
  const c = collections.find(({ nsid }) => nsid === put.collection)!
  if (!c.machine) return
  const { field, initial, byRecord = false } = c.machine
  const { rows } = await sql.query<Record<string, unknown>>(
    `select ${quote(field)} from ${tableName(c.table)} where uri = $1`,
    [put.uri ?? ''],
  )
  const states = rows[0] ? [String(rows[0][field])] : initial
  if (byRecord) {
    const { [field]: to = initial[0] } = put.record
    if (rows[0] && typeof to === 'string') moveOf(c.machine, rows[0], { to })
    return
  }
  if (states.some((state) => state === (put.record[field] ?? initial[0]))) return
  throw new InvalidRequestError(
    `Here ${field} stays ${states.join(' or ')}. Use the methods that move it.`,
    'InvalidTransition',
  )
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
