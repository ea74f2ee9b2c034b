import { createHash } from 'node:crypto'
import { XRPCError } from '@atproto/xrpc-server'
import type { co } from '../lexicons/index.ts'
import type { Log } from '../log.ts'
import { audienceUri, rolesOf } from '../permissioned/audience.ts'
import { type Acting, act } from './act.ts'
import { channelAlert } from './collections/spaces/channel-alert.ts'
import { noticeJob } from './notify.ts'
import { allows } from './permissions.ts'
import { recordUri, uriIn } from './reference.ts'
import type { Sql } from './sql.ts'
import { type Crossing, crossingsOf, written } from './thresholds.ts'

/** What raising alerts needs. */
export type Raising = Acting & {
  readonly isHosted: (did: string) => Promise<boolean>
  readonly log: Log
}

type Report = {
  uri: string
  place: string
  cid: string
  rkey: string
  space: string
  channel: string
  status: string
  createdAt: Date
  content: co.kendev.spaces.channelReport.Main
  rules: co.kendev.spaces.channelRules.Main | null
  about: co.kendev.spaces.channel.Main | null
}

const BATCH = 100
const BATCHES_MAX = 50
const TOLD_MAX = 50

/** Judges every version of a report that has not been judged, by the thresholds of its channel, and
 *  raises an alert for each that a figure has come to pass. The alert's key follows from the report
 *  and the threshold, and one that is there is left as it is: judging again changes nothing.
 *  Answers how many were judged. What fails is logged and judged at the next run. */
export async function raiseAlerts(r: Raising): Promise<number> {
  let judged = 0
  let after: readonly [Date | null, string] = [null, '']
  for (let n = 0; n < BATCHES_MAX; n++) {
    const { rows } = await r.sql.query<Report>(UNJUDGED, [...after, BATCH])
    for (const report of rows) {
      try {
        if (await r.isHosted(report.space)) await judge(r, report)
        await r.sql.query(JUDGED, [report.uri, report.cid])
        judged += 1
      } catch (err) {
        r.log.error({ err, report: report.uri }, 'a report is not judged')
      }
    }
    if (rows.length < BATCH) break
    after = [rows.at(-1)!.createdAt, rows.at(-1)!.uri]
  }
  return judged
}

const UNJUDGED = `select t.uri, t.place, t.cid, t.rkey, t.did as space, t.channel, t.status,
    t."createdAt", t.content, h.content as rules, c.content as about
  from appview."channelReport" t
  left join node."judgedReport" j on j.uri = t.uri and j.cid = t.cid
  left join appview."channelRules" h on h.did = t.did and h.channel = t.channel
  left join appview.channel c on c.did = t.did and c.uri = t.channel
  where j.uri is null and ($1::timestamptz is null or (t."createdAt", t.uri) > ($1, $2))
  order by t."createdAt", t.uri limit $3`

const JUDGED = `insert into node."judgedReport" (uri, cid) values ($1, $2)
  on conflict (uri) do update set cid = excluded.cid`

async function judge(r: Raising, report: Report): Promise<void> {
  const thresholds = report.rules?.alertThresholds ?? []
  const { figures = [] } = report.content
  if (thresholds.length === 0 || figures.length === 0 || report.status === 'rejected') return
  const names = [...new Set(thresholds.map(({ figure }) => figure))]
  const before = await figuresBefore(r.sql, report, names)
  for (const crossing of crossingsOf(thresholds, figures, (name) => before.get(name)))
    await raise(r, report, crossing)
}

/** What each figure was in the last report before this one that has it. */
async function figuresBefore(
  sql: Sql,
  { channel, space, createdAt, uri }: Report,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const about = [names, channel, space, createdAt, uri]
  const { rows } = await sql.query<{ name: string; amount: string }>(BEFORE, about)
  return new Map(rows.map(({ name, amount }) => [name, Number(amount)]))
}

const BEFORE = `select k.name, b.amount from unnest($1::text[]) k(name)
  cross join lateral (
    select f->>'amount' as amount from appview."channelReport" t,
      jsonb_array_elements(coalesce(t.content->'figures', '[]'::jsonb)) f
    where t.channel = $2 and t.did = $3 and (t."createdAt", t.uri) < ($4, $5)
      and t.status <> 'rejected' and f->>'name' = k.name
    order by t."createdAt" desc, t.uri desc limit 1) b`

async function raise(r: Raising, report: Report, crossing: Crossing): Promise<void> {
  const { space } = report
  const { threshold, figure } = crossing
  const at = r.clock.now().toISOString()
  const rkey = `${report.rkey}-${shortHash(threshold.key)}`
  const place = audienceUri(space, 'staff')
  const where = { did: space, collection: channelAlert.nsid, rkey, place }
  const { unit, scale } = figure
  const record = {
    $type: channelAlert.nsid,
    channel: report.content.channel,
    report: uriIn(report.place, report.uri),
    threshold: threshold.key,
    figure: figure.name,
    amount: figure.amount,
    ...(unit !== undefined && { unit }),
    ...(scale !== undefined && { scale }),
    op: threshold.op,
    limit: threshold.limit,
    level: threshold.level ?? 'warning',
    state: 'open',
    createdAt: at,
  }
  const by = { actor: space, role: 'clock', action: 'raiseAlert' }
  const alert = uriIn(place, recordUri(space, channelAlert.nsid, rkey))
  const effects = await noticesOf(r.sql, report, { crossing, alert, level: record.level })
  try {
    await act(r, { at: where, record, swap: null, by, effects })
  } catch (error) {
    const isThere = error instanceof XRPCError && error.customErrorName === 'InvalidSwap'
    if (!isThere) throw error
  }
}

/** Notices for those who manage the channel, and for the account that watches over it, of those who
 *  read what the staff reads. */
async function noticesOf(
  sql: Sql,
  { space, about }: Report,
  { crossing, alert, level }: { crossing: Crossing; alert: string; level: string },
) {
  const { rows } = await sql.query<{ subject: string; role: string; permissions: string[] }>(
    STAFF,
    [space, rolesOf('staff', 'read')],
  )
  const { threshold, figure } = crossing
  const told = rows.filter(
    (member) => allows(member, 'create_channels') || member.subject === about?.guardianAngel,
  )
  const data = {
    channel: about?.name ?? 'A channel',
    figure: figure.name,
    amount: written(figure.amount, figure),
    limit: written(threshold.limit, figure),
    level,
  }
  return told
    .slice(0, TOLD_MAX)
    .map(({ subject: recipient }) =>
      noticeJob({ recipient, kind: 'channelAlert', key: alert, subject: alert, data }),
    )
}

const STAFF = `select subject, role, permissions from appview.membership
  where did = $1 and active and status = 'active' and role = any($2)
  order by "joinedAt", subject limit 500`

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
