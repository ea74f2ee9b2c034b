import type { l } from '@atproto/lex'
import { co } from '../../../lexicons/index.ts'
import { audienceUri } from '../../../permissioned/audience.ts'
import { required } from '../../access.ts'
import { type Acting, act } from '../../act.ts'
import { offlineAnalyzer } from '../../analysis/analyse.ts'
import { CORRECTABLE, insightOf } from '../../analysis/insight.ts'
import { keyBesideMessage } from '../../collections/spaces/beside-message.ts'
import { insightCorrection } from '../../collections/spaces/insight-correction.ts'
import { message } from '../../collections/spaces/message.ts'
import { type Row, instant } from '../../define.ts'
import { lookUp } from '../../look.ts'
import { requirePermission, requireWriter } from '../../membership.ts'
import { notFound } from '../../not-found.ts'
import { visibleSql } from '../../readable.ts'
import { knownUri, uriIn } from '../../reference.ts'
import { type Mount, type Reading, procedure, query } from '../../serve.ts'
import { cutPage, decodeCursor, findRow } from '../../serve-list.ts'

type Deps = Reading & Acting & { readonly isHosted: (did: string) => Promise<boolean> }
type Correction = co.kendev.spaces.insightCorrection.Main
type InsightView = co.kendev.spaces.defs.MessageInsightView

/** `spaces.getMessageInsight`, `listMessageInsights` and `correctMessageInsight`: what messages
 *  tell the business (D-20), for those who see the analytics of the space, of the messages that
 *  they read. It is worked out when it is asked for, and says what by. */
export function messageInsights(mount: Mount, deps: Deps): void {
  const { sql } = deps

  query(mount, co.kendev.spaces.getMessageInsight, async ({ params, viewer }) => {
    const { did } = required(viewer)
    const row = await messageFor(sql, params.uri, did)
    return (await insightViews(deps, [row], did))[0] as never
  })

  query(mount, co.kendev.spaces.listMessageInsights, async ({ params, viewer }) => {
    const { space, channel, thread, author, limit, cursor } = params
    const { did } = required(viewer)
    await requirePermission(sql, { space, did, permission: 'view_analytics' })
    const at = cursor === undefined ? [null, null] : decodeCursor(cursor)
    const asked = [channel, thread].map((uri) => (uri === undefined ? null : knownUri(uri)))
    const { rows } = await sql.query<Row>({ name: 'listMessageInsights', text: LIST }, [
      limit + 1,
      space,
      ...asked,
      author ?? null,
      ...at,
      did,
    ])
    const page = cutPage(rows, limit, 'sentAt')
    return { items: await insightViews(deps, page.rows, did), cursor: page.cursor } as never
  })

  procedure(mount, co.kendev.spaces.correctMessageInsight, async ({ input, viewer }) => {
    const { uri, ...said } = input
    const row = await messageFor(sql, uri, viewer.did)
    const space = String(row['space'])
    const asks = { space, did: viewer.did, permission: 'view_analytics' } as const
    const { standing } = await requirePermission(sql, asks)
    const place = audienceUri(space, 'managers')
    requireWriter(standing, place)
    if (!(await deps.isHosted(space))) throw notFound(`repo of ${space}`)
    const rkey = keyBesideMessage(row.uri)!
    const before = (await correctionsOf(deps, [row], viewer.did)).get(row.uri)
    const about = { uri: uriIn(row.place, row.uri), cid: row.cid }
    const by = { actor: viewer.did, role: standing.role, action: 'correctMessageInsight' }
    const corrected = CORRECTABLE.some((name) => said[name] !== undefined)
    const record = recordOf({ said, about, by: viewer.did, before, now: deps.clock.now() })
    await act(deps, {
      at: { did: space, collection: insightCorrection.nsid, rkey, place },
      record: corrected ? record : undefined,
      swap: before?.cid ?? null,
      by,
    })
    return (await insightViews(deps, [row], viewer.did))[0] as never
  })
}

/** The message, for somebody who reads it and sees the analytics of its space. */
async function messageFor(sql: Reading['sql'], uri: string, did: string): Promise<Row> {
  const row = await findRow({ sql, viewer: did }, message, uri)
  if (!row) throw notFound(uri)
  const space = String(row['space'])
  await requirePermission(sql, { space, did, permission: 'view_analytics' })
  return row
}

const LIST = `select t.* from appview.message t
  where t.space = $2 and ($3::text is null or t.channel = $3) and ($4::text is null or t.root = $4)
    and ($5::text is null or t.did = $5)
    and ($6::timestamptz is null or (t."sentAt", t.uri) < ($6, $7::text))
    and ${visibleSql(message, 't', '$8').join(' and ')}
  order by t."sentAt" desc, t.uri desc limit $1`

type Kept = { message: string; cid: string; content: Correction }

/** What has been put right about these messages, by the space they were posted in, as far as the
 *  viewer reads it; by message. */
async function correctionsOf(
  { sql }: Pick<Reading, 'sql'>,
  rows: readonly Row[],
  viewer: string,
): Promise<ReadonlyMap<string, Kept>> {
  const { rows: found } = await sql.query<Kept>({ name: 'insightCorrections', text: CORRECTIONS }, [
    rows.map((row) => row.uri),
    rows.map((row) => row['space']),
    viewer,
  ])
  return new Map(found.map((kept) => [kept.message, kept]))
}

const CORRECTIONS = `select t.message, t.cid, t.content
  from unnest($1::text[], $2::text[]) k(uri, space)
  join appview."insightCorrection" t on t.message = k.uri and t.did = k.space
  where ${visibleSql(insightCorrection, 't', '$3').join(' and ')}`

async function insightViews(
  deps: Reading,
  rows: readonly Row[],
  viewer: string,
): Promise<InsightView[]> {
  if (rows.length === 0) return []
  const [corrections, look] = await Promise.all([
    correctionsOf(deps, rows, viewer),
    lookUp(
      { ...deps, viewer },
      rows.map(({ did }) => did),
    ),
  ])
  return rows.map((row) => {
    const { metadata, channel } = row['content'] as co.kendev.spaces.message.Main
    const correction = corrections.get(row.uri)?.content
    const text = (row['text'] as string | null) ?? ''
    const langs = metadata?.langs
    const found = insightOf(offlineAnalyzer, { text, ...(langs && { langs }) }, correction)
    const correctedAt = correction?.updatedAt ?? correction?.createdAt
    return {
      message: { uri: uriIn(row.place, row.uri), cid: row.cid },
      author: look.person(row.did),
      space: row['space'] as l.DidString,
      ...(channel !== undefined && { channel }),
      sentAt: instant(row['sentAt'] as Date),
      ...(found as Omit<InsightView, 'message' | 'author' | 'space' | 'sentAt'>),
      ...(correction && { correctedBy: correction.correctedBy, correctedAt }),
    }
  })
}

function recordOf({
  said,
  about,
  by,
  before,
  now,
}: {
  said: Readonly<Record<string, unknown>>
  about: { uri: string; cid: string }
  by: string
  before: Kept | undefined
  now: Date
}): Record<string, unknown> {
  const at = now.toISOString()
  const fields = CORRECTABLE.map((name) => [name, said[name]] as const)
  return {
    $type: insightCorrection.nsid,
    message: about,
    ...Object.fromEntries(fields.filter(([, value]) => value !== undefined)),
    correctedBy: by,
    createdAt: before?.content.createdAt ?? at,
    ...(before && { updatedAt: at }),
  }
}
