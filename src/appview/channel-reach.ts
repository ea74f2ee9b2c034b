import type { Collection } from './define.ts'
import { quote } from './schema.ts'
import type { Sql } from './sql.ts'

/** What a member may do in a channel, whatever the role says. */
export type ChannelAccess = 'none' | 'read' | 'write' | 'admin'

/**
 * The conditions under which a row in a channel is shown to the viewer as far as the permissions of
 * single members go: the viewer is not kept from the channel, and its author was not kept from
 * writing there when it came.
 *
 * That is what views of the space's node show, and no more. What is public is in public repos, and
 * whoever holds the credential of an audience reads all records of it: nobody is kept from what
 * stands before an audience that they belong to. What somebody must not read goes to a narrower
 * one.
 */
export function channelReachSql(c: Collection, row: string, viewer: string): string[] {
  const { channel } = c.access
  if (channel === undefined) return []
  const space = `${row}.${quote(c.columns['space'] ? 'space' : 'did')}`
  const named = `${row}.${quote(channel.column)}`
  const at = channel.of
    ? `(select m.channel from appview.message m where m."uri" = ${named})`
    : named
  const barred = (who: string, more: string) => `not exists (
    select 1 from appview."channelPermission" h
    where h.did = ${space} and h.subject = ${who} and h.channel = ${at} and ${more})`
  const hidden = barred(viewer, `h.access = 'none'`)
  if (!c.access.own) return [hidden]
  // By when it came, as its author could say that it is older.
  const since = `h."createdAt" <= ${row}."indexedAt"`
  return [hidden, barred(`${row}.did`, `h.access in ('none', 'read') and ${since}`)]
}

/** What a member may do in a channel beside the role; undefined when the role alone says it. */
export async function channelAccess(
  sql: Sql,
  asks: { space: string; did: string; channel: string },
): Promise<ChannelAccess | undefined> {
  const { space, did, channel } = asks
  const { rows } = await sql.query<{ access: ChannelAccess }>(ACCESS, [space, did, channel])
  return rows[0]?.access
}

const ACCESS = {
  name: 'channel-access',
  text: `select access from appview."channelPermission"
    where did = $1 and subject = $2 and channel = $3`,
}

/** Which of these rows are in channels that the viewer is kept from, or whose author was. */
export async function outOfReach(
  { sql, viewer }: { readonly sql: Sql; readonly viewer: string | undefined },
  c: Collection,
  uris: readonly string[],
): Promise<ReadonlySet<string>> {
  if (uris.length === 0) return new Set()
  const reach = channelReachSql(c, 't', '$2').join(' and ')
  const { rows } = await sql.query<{ uri: string }>(
    `select t.uri from appview.${quote(c.table)} t where t.uri = any($1) and not (${reach})`,
    [uris, viewer ?? ''],
  )
  return new Set(rows.map(({ uri }) => uri))
}
