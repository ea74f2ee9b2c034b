import { award } from '../collections/karma/award.ts'
import type { Row } from '../define.ts'
import { type Looking, present } from '../look.ts'
import { karmaShownSql } from '../privacy.ts'
import { type Page, cutPage, decodeCursor } from '../serve-list.ts'
import { columnNames, quote } from '../schema.ts'
import type { co } from '../../lexicons/index.ts'

type AwardView = co.kendev.karma.defs.AwardView
type Judged = Row & { judgedReason: string | null; isJudged: boolean }

/** An award, unless its recipient does not show their karma to the viewer. Who has given it may
 *  always see it. */
export async function findAward(looking: Looking, uri: string): Promise<AwardView | undefined> {
  const { rows } = await looking.sql.query<Judged>(
    { name: 'award', text: `${SELECT} where t.uri = $2 and ${SHOWN}` },
    [looking.viewer ?? '', uri],
  )
  return (await views(looking, rows))[0]
}

/** A page of awards, newest first: those of one recipient, or of one author, or all. Throws
 *  `InvalidCursor`. */
export async function listAwards(
  looking: Looking,
  asked: { recipient?: string; author?: string; limit?: number; cursor?: string },
): Promise<{ items: AwardView[]; cursor?: string }> {
  const { recipient, author, limit = 50, cursor } = asked
  const values: unknown[] = [looking.viewer ?? '']
  const where = [SHOWN]
  const needs = (condition: (n: number) => string, ...given: readonly unknown[]) => {
    where.push(condition(values.length + 1))
    values.push(...given)
  }
  if (recipient !== undefined) needs((n) => `t.recipient = $${n}`, recipient)
  if (author !== undefined) needs((n) => `t.did = $${n}`, author)
  if (cursor !== undefined)
    needs((n) => `(t."createdAt", t.uri) < ($${n}, $${n + 1})`, ...decodeCursor(cursor))
  const { rows } = await looking.sql.query<Judged>(
    `${SELECT} where ${where.join(' and ')}
     order by t."createdAt" desc, t.uri desc limit ${limit + 1}`,
    values,
  )
  const page: Page = cutPage(rows, limit, 'createdAt')
  const items = await views(looking, page.rows as readonly Judged[])
  return { items, ...(page.cursor !== undefined && { cursor: page.cursor }) }
}

async function views(looking: Looking, rows: readonly Judged[]): Promise<AwardView[]> {
  const shown = (await present(award, rows, looking)) as AwardView[]
  return shown.map((view, n) => {
    const { isJudged, judgedReason } = rows[n]!
    if (!isJudged) return view
    const { whyNot: _, ...rest } = view
    return judgedReason === null
      ? { ...rest, counts: true }
      : { ...rest, counts: false, whyNot: judgedReason }
  })
}

const COLUMNS = columnNames(award)
  .map((name) => `t.${quote(name)}`)
  .join(', ')

/** An award that has changed since it was judged is not judged. */
const SELECT = `select ${COLUMNS}, s.reason as "judgedReason", s.uri is not null as "isJudged"
  from appview.award t left join node."awardStanding" s
    on s.uri = t.uri and s.points = t.points and s.at = t."createdAt"
      and s.recipient = t.recipient and s.type = t.type`

const SHOWN = `(t.did = $1 or ${karmaShownSql('t.recipient', '$1')})`
