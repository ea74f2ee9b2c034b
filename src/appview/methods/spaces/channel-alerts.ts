import { co } from '../../../lexicons/index.ts'
import { type Acting, act } from '../../act.ts'
import type { Viewer } from '../../access.ts'
import { channelAlert } from '../../collections/spaces/channel-alert.ts'
import type { Row } from '../../define.ts'
import { present } from '../../look.ts'
import { moveOf } from '../../machine.ts'
import { requirePermission } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { type Mount, type Reading, procedure } from '../../serve.ts'
import { findRow } from '../../serve-list.ts'

type Deps = Reading & Acting & { readonly isHosted: (did: string) => Promise<boolean> }
type Step = { readonly to: string; readonly by: string; readonly at: string }

const ACKNOWLEDGE: Step = { to: 'acknowledged', by: 'acknowledgedBy', at: 'acknowledgedAt' }
const RESOLVE: Step = { to: 'resolved', by: 'resolvedBy', at: 'resolvedAt' }

/** `spaces.acknowledgeAlert` and `spaces.resolveAlert`: the staff says who sees to an alert, and
 *  that it is dealt with. */
export function channelAlerts(mount: Mount, deps: Deps): void {
  const { sql, origin, clock } = deps

  const take = async (
    { to, by, at }: Step,
    { input, viewer }: { input: { uri: string; note?: string }; viewer: Viewer },
  ) => {
    const { uri, note } = input
    const row = await alertAt(uri, viewer.did)
    const asks = { space: row.did, did: viewer.did, permission: 'moderate_content' } as const
    const { standing } = await requirePermission(sql, asks)
    if (!(await deps.isHosted(row.did))) throw notFound(`repo of ${row.did}`)
    if (moveOf(channelAlert.machine!, row, { to })) {
      const now = clock.now().toISOString()
      const more = { state: to, [by]: viewer.did, [at]: now, updatedAt: now }
      const said = note === undefined ? {} : { note }
      const { did, rkey, place } = row
      await act(deps, {
        at: { did, collection: channelAlert.nsid, rkey, place },
        record: { ...(row['content'] as object), ...more, ...said },
        swap: row.cid,
        by: { actor: viewer.did, role: standing.role, action: to, ...(note && { reason: note }) },
      })
    }
    const looking = { sql, origin, viewer: viewer.did }
    return (await present(channelAlert, [await alertAt(uri, viewer.did)], looking))[0] as never
  }

  const alertAt = async (uri: string, viewer: string): Promise<Row> => {
    const row = await findRow({ sql, viewer }, channelAlert, uri)
    if (!row) throw notFound(uri)
    return row
  }

  procedure(mount, co.kendev.spaces.acknowledgeAlert, (call) => take(ACKNOWLEDGE, call))
  procedure(mount, co.kendev.spaces.resolveAlert, (call) => take(RESOLVE, call))
}
