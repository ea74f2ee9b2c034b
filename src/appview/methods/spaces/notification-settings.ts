import { ForbiddenError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { required } from '../../access.ts'
import { requireSpace, standingIn } from '../../membership.ts'
import { type Mount, procedure, query } from '../../serve.ts'
import type { SqlPool } from '../../sql.ts'

type Settings = Record<(typeof NAMES)[number], boolean>

const NAMES = ['mentions', 'directMessages', 'announcements', 'events'] as const
const ALL: Settings = { mentions: true, directMessages: true, announcements: true, events: true }

/** `spaces.getNotificationSettings` and `putNotificationSettings`: what a member wants to be told
 *  of a space. It is no record: nobody else is to know it. */
export function notificationSettings(mount: Mount, { sql }: { readonly sql: SqlPool }): void {
  const { getNotificationSettings, putNotificationSettings } = co.kendev.spaces

  query(mount, getNotificationSettings, async ({ params, viewer }) => {
    const { space } = params
    const { did } = required(viewer)
    await requireMember(space, did)
    const { rows } = await sql.query<Settings>(FIND, [did, space])
    return { space, ...(rows[0] ?? ALL) } as never
  })

  procedure(mount, putNotificationSettings, async ({ input, viewer }) => {
    const { space } = input
    await requireMember(space, viewer.did)
    const given = NAMES.map((name) => input[name] ?? null)
    const { rows } = await sql.query<Settings>(PUT, [viewer.did, space, ...given])
    return { space, ...rows[0]! } as never
  })

  async function requireMember(space: string, did: string): Promise<void> {
    await requireSpace(sql, space, did)
    if ((await standingIn(sql, space, did))?.status === 'active') return
    throw new ForbiddenError('Only members can do this. Join the space first.', 'NotAMember')
  }
}

const COLUMNS = NAMES.map((name) => `"${name}"`)
const given = NAMES.map((_, n) => `$${n + 3}::boolean`)

const FIND = `select ${COLUMNS.join(', ')} from node."spaceNotificationSetting"
  where did = $1 and space = $2`
const PUT = `insert into node."spaceNotificationSetting" as t (did, space, ${COLUMNS.join(', ')})
  values ($1, $2, ${given.map((value) => `coalesce(${value}, true)`).join(', ')})
  on conflict (did, space) do update set
    ${COLUMNS.map((column, n) => `${column} = coalesce(${given[n]}, t.${column})`).join(', ')}
  returning ${COLUMNS.join(', ')}`
