import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { audienceUri } from '../../../permissioned/audience.ts'
import { type Auditing, auditedWriter } from '../../audited-writer.ts'
import { checkRecord } from '../../check-record.ts'
import { channelPermission } from '../../collections/spaces/channel-permission.ts'
import { channel as channelRecord } from '../../collections/spaces/channel.ts'
import { requireSpace } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { allows } from '../../permissions.ts'
import { type Mount, procedure } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'
import { type Standings, forbidden, manage } from './member-standing.ts'

type Deps = Standings & Auditing & { readonly isHosted: (did: string) => Promise<boolean> }

/** So many channels can have a word of their own about one member. */
const CHANNELS_MAX = 200
const SILENCING = ['none', 'read']
const ACCESS = [...SILENCING, 'write', 'admin']

/** `spaces.setChannelPermission`, for those who manage members, about members of lesser roles. */
export function setChannelPermission(mount: Mount, deps: Deps): void {
  const { sql, progress, clock } = deps
  const collection = channelPermission.nsid

  procedure(mount, co.kendev.spaces.setChannelPermission, async ({ input, viewer }) => {
    const { space, member, channel, access } = input
    await requireSpace(sql, space, viewer.did)
    if (!(await deps.isHosted(space))) throw notFound(`repo of ${space}`)
    const { standing } = await manage(deps, { space, member, did: viewer.did })
    if (access === 'admin' && !allows(standing, 'create_channels'))
      throw forbidden('You cannot hand on what needs create_channels, which you do not have.')
    if (access !== undefined && !ACCESS.includes(access))
      throw new InvalidRequestError(`access is one of ${ACCESS.join(', ')}.`, 'InvalidRecord')
    const found = await findRow({ sql, viewer: viewer.did }, channelRecord, channel)
    if (found?.did !== space) throw notFound(channel)
    // A record for the staff must not tell them of what they do not read.
    if (found.place === audienceUri(space, 'managers'))
      throw new InvalidRequestError(
        'All who read this channel manage the space. Change their role instead.',
        'NotSupported',
      )
    const place = audienceUri(space, 'staff')
    const at = { did: space, collection, rkey: `${found.rkey}:${member}`, place }
    const now = clock.now().toISOString()
    const before = await othersOf(deps, { space, member, channel: found.uri })
    const isSilent = access !== undefined && SILENCING.includes(access)
    const createdAt = (isSilent && before) || now
    const record = { $type: collection, subject: member, channel: found.uri, access, createdAt }
    if (access !== undefined) checkRecord(at, record)
    const action = co.kendev.spaces.setChannelPermission.$lxm
    const writer = auditedWriter(deps, { actor: viewer.did, role: standing.role, action })
    const { rev } = await (access === undefined
      ? writer.deleteRecord(at)
      : writer.putRecord({ ...at, record }))
    await progress.reached(space, rev, place)
    return { space, member, channel: found.uri, ...(access !== undefined && { access }) } as never
  })
}

/** Since when the member has been kept from writing in this channel, if they have. Throws
 *  `LimitExceeded` where there is a word about too many others. */
async function othersOf(
  { sql }: Deps,
  { space, member, channel }: { space: string; member: string; channel: string },
): Promise<string | undefined> {
  const { rows } = await sql.query<{ others: number; since: Date | null }>(
    `select count(*) filter (where channel <> $3)::int as others,
       min("createdAt") filter (where channel = $3 and access = any($4)) as since
     from appview."channelPermission" where did = $1 and subject = $2`,
    [space, member, channel, SILENCING],
  )
  const { others, since } = rows[0]!
  if (others >= CHANNELS_MAX)
    throw new InvalidRequestError(
      `At most ${CHANNELS_MAX} channels have a word about one member. Change their role instead.`,
      'LimitExceeded',
    )
  return since?.toISOString()
}
