import { ForbiddenError } from '@atproto/xrpc-server'
import type { co } from '../lexicons/index.ts'
import { mayPost } from './collections/spaces/channel-access.ts'
import { channel } from './collections/spaces/channel.ts'
import type { Row } from './define.ts'
import { type SeenSpace, type Standing, requireSpace, standingIn } from './membership.ts'
import { notFound } from './not-found.ts'
import { allows } from './permissions.ts'
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
  if (isOurs && mayPost(accessControl, { role, can })) return { seen, standing, found }
  throw new ForbiddenError(
    `A ${role} may not post ${found ? 'in this channel' : 'here'}: ask who manages the space.`,
    'Forbidden',
  )
}
