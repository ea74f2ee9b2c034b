import { ForbiddenError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { featureVote } from '../../collections/platform/feature-vote.ts'
import { type OwnRecords, deleteOwn, putOwn } from '../../own-record.ts'
import { featureViews, requireFeature } from '../../roadmap.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'

type Deps = Reading &
  OwnRecords & { readonly clock: Clock; readonly nodeAccount: () => Promise<string> }

/** `platform.voteFeature` and `unvoteFeature`: one vote for each person and feature, in their own
 *  repo. */
export function voteFeature(mount: Mount, deps: Deps): void {
  const { sql, clock, nodeAccount } = deps
  const collection = featureVote.nsid
  const { platform } = co.kendev
  const shown = async (uri: string, viewer: string) => {
    const row = await requireFeature(sql, await nodeAccount(), uri)
    return (await featureViews({ ...deps, viewer }, [row]))[0]! as {
      isVotingOpen: boolean
      viewerVote?: string
    }
  }

  procedure(mount, platform.voteFeature, async ({ input, viewer }) => {
    const { feature, uri, cid } = input
    const row = await requireFeature(sql, await nodeAccount(), feature)
    const before = await shown(feature, viewer.did)
    if (before.viewerVote !== undefined) return { uri: before.viewerVote, feature: before } as never
    if (!before.isVotingOpen)
      throw new ForbiddenError('Nobody can vote for this feature now.', 'VotingClosed')
    const about = { uri: row.uri, cid: row.cid }
    const record = { $type: collection, feature: about, createdAt: clock.now().toISOString() }
    const made = await putOwn(
      deps,
      { viewer, collection, ...(uri !== undefined && { uri }), ...(cid !== undefined && { cid }) },
      { rkey: row.rkey, record },
    )
    return { ...made, feature: await shown(feature, viewer.did) } as never
  })

  procedure(mount, platform.unvoteFeature, async ({ input, viewer }) => {
    const { rkey } = await requireFeature(sql, await nodeAccount(), input.feature)
    const { uri } = input
    await deleteOwn(deps, { viewer, collection, ...(uri === undefined ? { rkey } : { uri }) })
    return { feature: await shown(input.feature, viewer.did) } as never
  })
}
