import { post } from './collections/content/post.ts'
import { message } from './collections/spaces/message.ts'
import { type Activity, WINDOW_DAYS, memberScore, spaceScore } from './engagement.ts'
import { visibleSql } from './readable.ts'
import type { Sql } from './sql.ts'

const DAY_MS = 86_400_000
const daysBefore = (now: Date, days: number) => new Date(now.getTime() - days * DAY_MS)

/** How much a member takes part in a space. */
export type Engagement = {
  readonly messages: number
  readonly content: number
  readonly lastActive: Date | undefined
  readonly score: number
}

type Counted = { n: number; recent: number; last: Date | null }

/** How much a member takes part, as far as the viewer may read what they said: a figure would tell
 *  of the rest (`domain.md` D-08, D-09). */
export async function engagementOf(
  sql: Sql,
  asks: { space: string; did: string; viewer: string; now: Date },
): Promise<Engagement> {
  const { space, did, viewer, now } = asks
  const values = [space, did, viewer, daysBefore(now, WINDOW_DAYS)]
  const [said, wrote] = await Promise.all(
    [SAID, WROTE].map(async (text) => (await sql.query<Counted>(text, values)).rows[0]!),
  )
  const times = [said!.last, wrote!.last].filter((time) => time !== null)
  const lastActive = times.toSorted((a, b) => b.getTime() - a.getTime())[0]
  const lately: Activity = {
    messages: said!.recent,
    content: wrote!.recent,
    events: 0,
    minutes: 0,
    lastActive,
  }
  return {
    messages: said!.n,
    content: wrote!.n,
    lastActive,
    score: memberScore(lately, now),
  }
}

const counted = (time: string) => `select count(*)::int as n,
  count(*) filter (where t."${time}" > $4)::int as recent, max(t."${time}") as last`

const SAID = `${counted('sentAt')} from appview.message t
  where t.space = $1 and t.did = $2 and ${visibleSql(message, 't', '$3').join(' and ')}`
const WROTE = `${counted('publishedAt')} from appview.post t
  where t.did = $1 and $2::text = any(t.authors)
    and ${visibleSql(post, 't', '$3').join(' and ')}`

/** The score of a space, from what stands where its own description stands (`domain.md` D-14). */
export async function engagementOfSpace(
  sql: Sql,
  { space, now }: { space: string; now: Date },
): Promise<number | undefined> {
  const { rows } = await sql.query<Counts>(OF_SPACE, [
    space,
    daysBefore(now, WINDOW_DAYS),
    daysBefore(now, 30),
    daysBefore(now, 7),
  ])
  const members = rows.length
  const active = (name: 'monthly' | 'weekly') => rows.filter((row) => row[name]).length
  const scores = rows.reduce((sum, { messages, content, last }) => {
    const lately = { messages, content, events: 0, minutes: 0, lastActive: last ?? undefined }
    return sum + memberScore(lately, now)
  }, 0)
  return spaceScore({ scores, members, weekly: active('weekly'), monthly: active('monthly') })
}

type Counts = {
  messages: number
  content: number
  last: Date | null
  monthly: boolean
  weekly: boolean
}

const OF_SPACE = `with s as (select did, place from appview.space where did = $1),
  done as (
    select t.did, t."sentAt" as at, 'message' as kind from s
    join appview.message t on t.space = s.did and t.place = s.place
    where t.admitted and t."sentAt" > $2
    union all
    select a.did, t."publishedAt", 'post' from s
    join appview.post t on t.did = s.did and t.place = s.place
    cross join lateral unnest(t.authors) as a(did) where t."publishedAt" > $2)
  select count(d.at) filter (where d.kind = 'message')::int as messages,
    count(d.at) filter (where d.kind = 'post')::int as content, max(d.at) as last,
    coalesce(max(d.at) > $3, false) as monthly, coalesce(max(d.at) > $4, false) as weekly
  from s join appview.membership m on m.did = s.did and m.active and m.status = 'active'
  left join done d on d.did = m.subject
  group by m.subject`

const KEPT_MS = 300_000
const KEPT_MAX = 1_000

/** The score of a space, counted at most once in five minutes: it moves slowly, and spaces are read
 *  all the time. */
export function spaceScores(sql: Sql): (space: string, now: Date) => Promise<number | undefined> {
  const kept = new Map<string, { at: number; score: Promise<number | undefined> }>()
  return (space, now) => {
    const known = kept.get(space)
    if (known && now.getTime() - known.at < KEPT_MS) return known.score
    if (kept.size >= KEPT_MAX) kept.clear()
    const score = engagementOfSpace(sql, { space, now })
    kept.set(space, { at: now.getTime(), score })
    score.catch(() => kept.delete(space))
    return score
  }
}
