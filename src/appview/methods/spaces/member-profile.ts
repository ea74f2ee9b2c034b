import { ForbiddenError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { memberProfile as collected } from '../../collections/spaces/member-profile.ts'
import { present } from '../../look.ts'
import { requireSpace, requireWriter, standingIn } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { type OwnRecords, putOwn } from '../../own-record.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'

type Deps = Reading & OwnRecords & { readonly clock: Clock }

/** `spaces.putMemberProfile` writes it into the member's own repo, or takes in what was written
 *  there. */
export function memberProfile(mount: Mount, deps: Deps): void {
  const { sql, origin, clock } = deps
  const collection = collected.nsid

  procedure(mount, co.kendev.spaces.putMemberProfile, async ({ input, viewer }) => {
    const { uri, cid, space, ...about } = input
    const { did } = viewer
    const { place } = await requireSpace(sql, space, did)
    const standing = await standingIn(sql, space, did)
    if (standing?.status !== 'active')
      throw new ForbiddenError('Only members can do this. Join the space first.', 'NotAMember')
    requireWriter(standing, place)
    const now = clock.now().toISOString()
    const record = { $type: collection, space, ...about, createdAt: now, updatedAt: now }
    const at = { viewer, collection, uri, cid, place }
    const written = await putOwn(deps, at, { rkey: space, record })
    const row = await findRow({ sql, viewer: did }, collected, written.uri)
    if (!row) throw notFound(`profile ${written.uri} yet`)
    return (await present(collected, [row], { sql, origin, viewer: did }))[0] as never
  })
}
