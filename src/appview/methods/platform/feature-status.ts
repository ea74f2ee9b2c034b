import { co } from '../../../lexicons/index.ts'
import { type Acting, act } from '../../act.ts'
import { roadmapFeature } from '../../collections/platform/roadmap-feature.ts'
import type { Row } from '../../define.ts'
import { moveOf } from '../../machine.ts'
import { featureViews, requireFeature, votersJob } from '../../roadmap.ts'
import type { Mount, Reading } from '../../serve.ts'
import { type AdminDeps, superAdmin } from './super-admin.ts'

type Deps = AdminDeps & Reading & Acting

/** `platform.setFeatureStatus`: who votes for the feature is told. */
export function setFeatureStatus(mount: Mount, deps: Deps): void {
  const { sql, clock, nodeAccount } = deps
  const { platform } = co.kendev
  const { nsid: collection } = roadmapFeature
  const shown = async (uri: string, viewer: string) => {
    const row = await requireFeature(sql, await nodeAccount(), uri)
    return (await featureViews({ ...deps, viewer }, [row]))[0]!
  }

  superAdmin(mount, deps, platform.setFeatureStatus, async ({ input, admin }) => {
    const { uri, status: to, from, reason } = input
    const node = await nodeAccount()
    const row = await requireFeature(sql, node, uri)
    const move = moveOf(roadmapFeature.machine!, row, { to, ...(from !== undefined && { from }) })
    if (!move) return shown(uri, admin.did)
    const now = clock.now().toISOString()
    const record = await closed({ ...deps, viewer: undefined }, row, { to, now })
    const data = { feature: String(row['title']), status: to }
    await act(deps, {
      at: { did: node, collection, rkey: row.rkey, place: '' },
      record: { $type: collection, ...record, status: to, updatedAt: now },
      swap: row.cid,
      by: {
        actor: admin.did,
        role: 'super_admin',
        action: platform.setFeatureStatus.$lxm,
        ...(reason !== undefined && { reason }),
      },
      effects: [
        votersJob({ feature: row.uri, kind: 'featureStatusChanged', key: `${to} ${now}`, data }),
      ],
    })
    return shown(uri, admin.did)
  })
}

type Content = Readonly<Record<string, unknown>> & { timeline?: object; voting?: object }

/** When it was done, and what the votes came to when nobody votes for it any more (`domain.md`
 *  D-100, D-102). */
async function closed(
  reading: Reading & { viewer: undefined },
  row: Row,
  { to, now }: { to: string; now: string },
): Promise<Content> {
  const content = row['content'] as Content
  if (to !== 'completed' && to !== 'cancelled') return content
  const [view] = (await featureViews(reading, [row])) as { votes: number; voters: number }[]
  const final = { finalVotes: view!.votes, finalVoters: view!.voters }
  // What is given up was not completed, whatever it was before.
  const { actualCompletion: _, ...timeline } = (content.timeline ?? {}) as Record<string, unknown>
  const done = to === 'completed' && { actualCompletion: now }
  return {
    ...content,
    timeline: { ...timeline, ...done },
    voting: { ...content.voting, ...final },
  }
}
