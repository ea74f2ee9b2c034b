import { InvalidRequestError } from '@atproto/xrpc-server'
import type { Clock } from '../../../clock.ts'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { pageOf, startOf } from '../../named-pages.ts'
import { notFound } from '../../not-found.ts'
import { type Data, notificationKinds } from '../../notification-kinds.ts'
import { type Mount, procedure, query } from '../../serve.ts'
import type { Sql } from '../../sql.ts'

type Deps = { readonly sql: Sql; readonly clock: Clock }

type Told = {
  id: string
  kind: string
  subject: string | null
  data: Data
  createdAt: Date
  readAt: Date | null
}

/** `platform.listNotifications`, `countNotifications`, `markNotificationsRead` and
 *  `setNotificationOptOut`: what the caller was told, and nobody else's. */
export function notifications(mount: Mount, { sql, clock }: Deps): void {
  query(mount, co.kendev.platform.listNotifications, async ({ params, viewer }) => {
    const { limit, cursor, unread = false } = params
    const [at = null, id = null] = startOf(cursor)
    const { rows } = await sql.query<Told>(LIST, [required(viewer).did, unread, limit + 1, at, id])
    const { page, next } = pageOf(rows, limit)
    return { items: page.map(view), ...next } as never
  })

  query(mount, co.kendev.platform.countNotifications, async ({ params, viewer }) => {
    return { unread: await unreadOf(sql, required(viewer).did, params.kind) }
  })

  procedure(mount, co.kendev.platform.markNotificationsRead, async ({ input, viewer }) => {
    const { ids } = input
    await sql.query(
      `update node.notification set "readAt" = $2
       where recipient = $1 and "readAt" is null and ($3::text[] is null or id = any($3))`,
      [viewer.did, clock.now(), ids ?? null],
    )
    return { unreadCount: await unreadOf(sql, viewer.did, undefined) }
  })

  procedure(mount, co.kendev.platform.setNotificationOptOut, async ({ input, viewer }) => {
    const { kind, optOut } = input
    if (!Object.hasOwn(notificationKinds, kind)) throw notFound(`kind ${kind}`)
    const { optional, when } = notificationKinds[kind]!
    if (!optional) throw new InvalidRequestError(`Everybody is told when ${when}.`, 'NotSupported')
    await sql.query(
      optOut
        ? 'insert into node."notificationOptOut" (did, kind) values ($1, $2) on conflict do nothing'
        : 'delete from node."notificationOptOut" where did = $1 and kind = $2',
      [viewer.did, kind],
    )
    return { kind, optOut }
  })
}

const LIST = `select id, kind, subject, data, "createdAt", "readAt" from node.notification
  where recipient = $1 and (not $2 or "readAt" is null)
    and ($4::timestamptz is null or ("createdAt", id) < ($4, $5))
  order by "createdAt" desc, id desc limit $3`

async function unreadOf(sql: Sql, did: string, kind: string | undefined): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `select count(*)::int as n from node.notification
     where recipient = $1 and "readAt" is null and ($2::text is null or kind = $2)`,
    [did, kind ?? null],
  )
  return rows[0]!.n
}

function view({ id, kind, subject, data, createdAt, readAt }: Told) {
  return {
    id,
    kind,
    title: notificationKinds[kind]?.title(data) ?? kind,
    ...(subject !== null && { subject }),
    createdAt: createdAt.toISOString(),
    isRead: readAt !== null,
  }
}
