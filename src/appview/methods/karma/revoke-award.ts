import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { type Acting, act } from '../../act.ts'
import { award } from '../../collections/karma/award.ts'
import { revocation } from '../../collections/karma/revocation.ts'
import { findAward } from '../../karma/award-views.ts'
import type { Karma } from '../../karma/keep-karma.ts'
import { nodeRoleOf } from '../../node-roles.ts'
import { notFound } from '../../not-found.ts'
import { type OwnRecords, putOwn } from '../../own-record.ts'
import { knownUri } from '../../reference.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'

type Deps = Reading &
  OwnRecords &
  Acting & { readonly karma: Karma; readonly nodeAccount: () => Promise<string> }

const ADMINS: readonly (string | undefined)[] = ['super_admin', 'admin']

/** `karma.revokeAward`: an author takes an award back in their own repo, an admin of the node in
 *  the repo of the node. To anybody else, an award that they might take back is not there. */
export function revokeAward(mount: Mount, deps: Deps): void {
  const { sql, origin, clock, nextTid, karma } = deps
  const collection = revocation.nsid

  procedure(mount, co.kendev.karma.revokeAward, async ({ input, viewer }) => {
    const about = knownUri(input.award)
    const row = await findRow({ sql, viewer: viewer.did }, award, about)
    const isOwn = row?.did === viewer.did
    const node = await deps.nodeAccount()
    const role = isOwn ? undefined : await nodeRoleOf(sql, node, viewer.did)
    if (!row || (!isOwn && !ADMINS.includes(role))) throw notFound(input.award)
    const { uri, cid, reason } = input
    const record = {
      $type: collection,
      award: { uri: row.uri, cid: row.cid },
      ...(reason !== undefined && { reason }),
      createdAt: clock.now().toISOString(),
    }
    const rkey = nextTid()
    const made = isOwn
      ? await putOwn(deps, { viewer, collection, uri, cid }, { rkey, record })
      : await act(deps, {
          at: { did: node, collection, rkey, place: '' },
          record,
          by: {
            actor: viewer.did,
            role: role!,
            action: co.kendev.karma.revokeAward.$lxm,
            ...(reason !== undefined && { reason }),
          },
        })
    await karma.settle()
    const view = await findAward({ sql, origin, viewer: viewer.did }, about)
    if (view?.whyNot === 'Revoked' || !isOwn) return { ...made, award: view } as never
    throw new InvalidRequestError(
      `The revocation is not of ${about}. Write one that names it.`,
      'AnnouncedRecordMismatch',
    )
  })
}
