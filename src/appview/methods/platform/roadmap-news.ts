import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { type Acting, act } from '../../act.ts'
import { appendAudit } from '../../audit.ts'
import { roadmapUpdate } from '../../collections/platform/roadmap-update.ts'
import { requireFeature, votersJob } from '../../roadmap.ts'
import type { Mount, Reading } from '../../serve.ts'
import type { Sql } from '../../sql.ts'
import { type AdminDeps, superAdmin } from './super-admin.ts'

type Deps = AdminDeps & Reading & Acting
type Notes = { updates?: object[] }

const INTERNAL_MAX = 200

/** `platform.postRoadmapUpdate`, `putRoadmapNotes` and `getRoadmapNotes`, for super admins: news
 *  for everybody are records, and all else is kept by the node and read by them alone. */
export function roadmapNews(mount: Mount, deps: Deps): void {
  const { sql, clock, nextTid, nodeAccount } = deps
  const { platform } = co.kendev

  superAdmin(mount, deps, platform.postRoadmapUpdate, async ({ input, admin }) => {
    const { feature, title, content, isPublic = true } = input
    const node = await nodeAccount()
    const row = await requireFeature(sql, node, feature)
    const createdAt = clock.now().toISOString()
    const said = { title, ...(content && { content }), author: admin.did, createdAt }
    const action = platform.postRoadmapUpdate.$lxm
    if (!isPublic) {
      await changeNotes(deps, { node, actor: admin.did, action, feature: row.uri }, (notes) => ({
        ...notes,
        updates: [...(notes.updates ?? []), said].slice(-INTERNAL_MAX),
      }))
      return {}
    }
    const rkey = nextTid()
    const data = { feature: String(row['title']), title }
    const made = await act(deps, {
      at: { did: node, collection: roadmapUpdate.nsid, rkey, place: '' },
      record: { $type: roadmapUpdate.nsid, feature: { uri: row.uri, cid: row.cid }, ...said },
      by: { actor: admin.did, role: 'super_admin', action },
      effects: [votersJob({ feature: row.uri, kind: 'featureUpdated', key: rkey, data })],
    })
    return { uri: made.uri }
  })

  superAdmin(mount, deps, platform.putRoadmapNotes, async ({ input, admin }) => {
    const node = await nodeAccount()
    const { uri } = await requireFeature(sql, node, input.feature)
    const { updates: _, ...notes } = input.notes as Notes & {
      dependencies?: { feature: string }[]
    }
    for (const { feature } of notes.dependencies ?? [])
      if (feature === uri)
        throw new InvalidRequestError('A feature does not hang on itself.', 'InvalidRecord')
    const action = platform.putRoadmapNotes.$lxm
    // Internal news are told one by one, each by who tells it.
    await changeNotes(deps, { node, actor: admin.did, action, feature: uri }, ({ updates }) => ({
      ...notes,
      ...(updates && { updates }),
    }))
    return notesView(sql, uri)
  })

  superAdmin(mount, deps, platform.getRoadmapNotes, async ({ params }) => {
    const { uri } = await requireFeature(sql, await nodeAccount(), params.feature)
    return notesView(sql, uri)
  })
}

async function changeNotes(
  { outbox, clock }: Deps,
  by: { node: string; actor: string; action: string; feature: string },
  change: (notes: Notes) => Notes,
): Promise<void> {
  const { node, actor, action, feature } = by
  await outbox.transact(async (tx) => {
    // There before it is locked: of two who note at once the second goes on from the first.
    await tx.query(
      `insert into node."roadmapNotes" (feature, notes, "updatedAt") values ($1, '{}', $2)
       on conflict do nothing`,
      [feature, clock.now()],
    )
    const { rows } = await tx.query<{ notes: Notes }>(
      'select notes from node."roadmapNotes" where feature = $1 for update',
      [feature],
    )
    await tx.query(
      'update node."roadmapNotes" set notes = $2, "updatedAt" = $3 where feature = $1',
      [feature, JSON.stringify(change(rows[0]!.notes)), clock.now()],
    )
    const event = { chain: node, subject: feature, actor, role: 'super_admin', action }
    await appendAudit(tx, { ...event, at: clock.now() })
  })
}

async function notesView(sql: Sql, feature: string): Promise<object> {
  const { rows } = await sql.query<{ notes: Notes; updatedAt: Date }>(
    'select notes, "updatedAt" from node."roadmapNotes" where feature = $1',
    [feature],
  )
  const [row] = rows
  return {
    feature,
    notes: row?.notes ?? {},
    ...(row && { updatedAt: row.updatedAt.toISOString() }),
  }
}
