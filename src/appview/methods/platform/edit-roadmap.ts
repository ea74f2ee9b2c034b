import { co } from '../../../lexicons/index.ts'
import { type Acting, act } from '../../act.ts'
import { roadmapFeature } from '../../collections/platform/roadmap-feature.ts'
import type { Row } from '../../define.ts'
import { FORGET_FEATURE, featureViews, requireFeature } from '../../roadmap.ts'
import type { Mount, Reading } from '../../serve.ts'
import { type AdminDeps, superAdmin } from './super-admin.ts'

type Deps = AdminDeps & Reading & Acting

/** `platform.putRoadmapFeature` and `deleteRoadmapFeature`: the roadmap is what super admins make
 *  it (`domain.md` AC-04). */
export function editRoadmap(mount: Mount, deps: Deps): void {
  const { sql, clock, nextTid, nodeAccount } = deps
  const { platform } = co.kendev
  const { nsid: collection } = roadmapFeature
  const atOf = (did: string, rkey: string) => ({ did, collection, rkey, place: '' })
  const shown = async (uri: string, viewer: string) =>
    (
      await featureViews({ ...deps, viewer }, [await requireFeature(sql, await nodeAccount(), uri)])
    )[0]!

  superAdmin(mount, deps, platform.putRoadmapFeature, async ({ input, admin }) => {
    const { uri, swapRecord, ...said } = input
    const node = await nodeAccount()
    const before = uri === undefined ? undefined : await requireFeature(sql, node, uri)
    const now = clock.now().toISOString()
    const made = await act(deps, {
      at: atOf(node, before?.rkey ?? nextTid()),
      record: {
        $type: collection,
        ...kept(before, said),
        ...(!before && { createdAt: now }),
        ...(before && { updatedAt: now }),
      },
      swap: swapRecord ?? before?.cid ?? null,
      by: { actor: admin.did, role: 'super_admin', action: platform.putRoadmapFeature.$lxm },
    })
    return shown(made.uri, admin.did)
  })

  superAdmin(mount, deps, platform.deleteRoadmapFeature, async ({ input, admin }) => {
    const node = await nodeAccount()
    const { uri, rkey, cid } = await requireFeature(sql, node, input.uri)
    const { reason } = input
    await act(deps, {
      at: atOf(node, rkey),
      record: undefined,
      swap: cid,
      effects: [{ queue: FORGET_FEATURE, key: `${uri} ${cid}`, data: { feature: uri } }],
      by: {
        actor: admin.did,
        role: 'super_admin',
        action: platform.deleteRoadmapFeature.$lxm,
        ...(reason !== undefined && { reason }),
      },
    })
    return { uri }
  })
}

type Content = Readonly<Record<string, unknown>> & {
  timeline?: object
  voting?: Readonly<Record<string, unknown>>
}

/** What is said of a feature, with what the node alone sets as it was. */
function kept(before: Row | undefined, said: Content): Content {
  const was = (before?.['content'] ?? {}) as Content & {
    timeline?: { actualCompletion?: string }
    voting?: { finalVotes?: number; finalVoters?: number }
  }
  const { actualCompletion } = was.timeline ?? {}
  const { finalVotes, finalVoters } = was.voting ?? {}
  const { createdAt, status } = was as { createdAt?: string; status?: string }
  const timeline = { ...said.timeline, actualCompletion }
  const voting = { ...said.voting, finalVotes, finalVoters }
  return defined({
    ...said,
    createdAt,
    status,
    timeline: defined(timeline),
    voting: defined(voting),
  })
}

/** Records have no undefined fields. */
function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
