import { ForbiddenError } from '@atproto/xrpc-server'
import type { co } from '../lexicons/index.ts'
import { type ChannelAccess, channelAccess } from './channel-reach.ts'
import { mayPost } from './collections/spaces/channel-access.ts'
import { channel } from './collections/spaces/channel.ts'
import type { Row } from './define.ts'
import { type SeenSpace, type Standing, requireSpace, standingIn } from './membership.ts'
import { notFound } from './not-found.ts'
import { allows } from './permissions.ts'
import { knownUri } from './reference.ts'
import { findRow } from './serve-list.ts'
import type { Sql } from './sql.ts'

/** Throws unless the person may post in the channel, or in the space as a whole when none is said:
 *  `NotAMember` for who is not an active member, `Forbidden` for a role that may not post there,
 *  `NotFound` for a space or a channel they may not see. What a channel's access control says to
 *  somebody who does not read the channel must not tell that it is there. */
export async function requirePoster(
  sql: Sql,
  { space, stream, did }: { space: string; stream: string | undefined; did: string },
): Promise<{ seen: SeenSpace; standing: Standing; found: Row | undefined }> {
  const seen = await requireSpace(sql, space, did)
  const standing = await standingIn(sql, space, did)
  if (standing?.status !== 'active')
    throw new ForbiddenError('Only members can do this. Join the space first.', 'NotAMember')
  const { role } = standing
  const can = allows(standing, 'post_messages')
  const found =
    stream === undefined ? undefined : await findRow({ sql, viewer: did }, channel, stream)
  if (stream !== undefined && !found && can) throw notFound(stream)
  const { accessControl = {} } = (found?.['content'] ??
    {}) as Partial<co.kendev.spaces.channel.Main>
  const isOurs = found === undefined || found.did === space
  const own = found && isOurs ? await channelAccess(sql, { space, did, channel: found.uri }) : null
  const may = own ? mayWrite(own) : mayPost(accessControl, { role, can })
  if (isOurs && may) return { seen, standing, found }
  throw new ForbiddenError(
    `A ${role} may not post ${found ? 'in this channel' : 'here'}: ask who manages the space.`,
    'Forbidden',
  )
}

const mayWrite = (access: ChannelAccess): boolean => access === 'write' || access === 'admin'

/** The same for a reaction to a message, which is as much of the channel the message is in. */
export async function requireReactor(
  sql: Sql,
  { space, did, subject }: { space: string; did: string; subject: string | undefined },
): Promise<{ seen: SeenSpace; standing: Standing }> {
  const seen = await requireSpace(sql, space, did)
  const standing = await standingIn(sql, space, did)
  if (standing?.status !== 'active')
    throw new ForbiddenError('Only members can do this. Join the space first.', 'NotAMember')
  const { rows } = await sql.query<{ channel: string | null }>(
    'select channel from appview.message where uri = $1 and space = $2',
    [knownUri(subject ?? ''), space],
  )
  const channel = rows[0]?.channel
  const own = channel ? await channelAccess(sql, { space, did, channel }) : undefined
  if (own ? mayWrite(own) : allows(standing, 'post_messages')) return { seen, standing }
  throw new ForbiddenError(
    `A ${standing.role} may not react here: ask who manages the space.`,
    'Forbidden',
  )
}
