import type { Outbox } from '../jobs/jobs.ts'
import { type Acting, act } from './act.ts'
import { featureVote } from './collections/platform/feature-vote.ts'
import { roadmapFeature } from './collections/platform/roadmap-feature.ts'
import { roadmapUpdate } from './collections/platform/roadmap-update.ts'
import type { Row } from './define.ts'
import { present } from './look.ts'
import { notFound } from './not-found.ts'
import { noticeJob } from './notify.ts'
import { knownUri, recordUri } from './reference.ts'
import type { Reading } from './serve.ts'
import type { Sql } from './sql.ts'

/** A feature of this node's own roadmap; throws `NotFound` for every other uri. */
export async function requireFeature(sql: Sql, node: string, uri: string): Promise<Row> {
  const { rows } = await sql.query<Row>(
    'select * from appview."roadmapFeature" where uri = $1 and did = $2',
    [knownUri(uri), node],
  )
  if (rows[0]) return rows[0]
  throw notFound(`feature ${uri}`)
}

type View = {
  uri: string
  votes: number
  voters: number
  voteWeight: number
  isVotingOpen: boolean
}

/** Features as their views show them: votes of people who work with paying tenants have the
 *  feature's weight (`domain.md` D-100), and the caller sees their own. */
export async function featureViews(
  reading: Reading & { readonly viewer: string | undefined },
  rows: readonly Row[],
): Promise<object[]> {
  const { sql, viewer } = reading
  const uris = rows.map(({ uri }) => uri)
  const [views, weighty, own] = await Promise.all([
    present(roadmapFeature, rows, reading),
    weightyVotes(sql, uris),
    viewer === undefined ? new Set<string>() : votesOf(sql, viewer, uris),
  ])
  return (views as View[]).map((view) => {
    const more = view.isVotingOpen ? (weighty.get(view.uri) ?? 0) * (view.voteWeight - 1) : 0
    const { rkey } = rows.find(({ uri }) => uri === view.uri)!
    const vote = own.has(view.uri) && { viewerVote: recordUri(viewer!, featureVote.nsid, rkey) }
    return { ...view, votes: view.votes + more, ...vote }
  })
}

/** How many of the voters of each feature work with a tenant that pays. What the node knows of its
 *  tenants decides, never what a vote says. */
export async function weightyVotes(
  sql: Sql,
  features: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql.query<{ feature: string; n: number }>(WEIGHTY, [features])
  return new Map(rows.map(({ feature, n }) => [feature, n]))
}

const WEIGHTY = `select v.feature, count(*)::int as n from appview."featureVote" v
  join (select distinct a.subject from repo.admission a
        join node.tenant t on t.did = a.authority and t.status = 'active' and t.plan <> 'free'
        where a.status = 'active') p on p.subject = v.did
  where v.feature = any($1) group by v.feature`

async function votesOf(sql: Sql, did: string, features: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql.query<{ feature: string }>(
    'select feature from appview."featureVote" where did = $1 and feature = any($2)',
    [did, features],
  )
  return new Set(rows.map(({ feature }) => feature))
}

/** The queue of what the voters of a feature are to be told. */
export const TELL_VOTERS = 'tell-voters'

/** What voters are told, and how far telling them has come. */
export type Telling = {
  readonly feature: string
  readonly kind: string
  readonly key: string
  readonly data: Readonly<Record<string, string>>
  readonly after?: string
}

const VOTERS_AT_ONCE = 500

/** A job that tells the voters of a feature, some at a time. */
export function votersJob(telling: Telling) {
  const { feature, kind, key, after = '' } = telling
  return { queue: TELL_VOTERS, key: `${feature} ${kind} ${key} ${after}`, data: { ...telling } }
}

/** Tells the next voters, and queues the job for those after them. Told again, nobody hears of it
 *  twice. */
export async function tellVoters(
  { sql, outbox }: { sql: Sql; outbox: Outbox },
  telling: Telling,
): Promise<void> {
  const { feature, kind, key, data, after = '' } = telling
  const { rows } = await sql.query<{ did: string }>(
    `select did from appview."featureVote" where feature = $1 and did > $2
     order by did limit ${VOTERS_AT_ONCE}`,
    [feature, after],
  )
  if (rows.length === 0) return
  await outbox.transact(async (_tx, queue) => {
    for (const { did: recipient } of rows)
      await queue(noticeJob({ recipient, kind, key: `${feature} ${key}`, data, subject: feature }))
    if (rows.length === VOTERS_AT_ONCE)
      await queue(votersJob({ ...telling, after: rows.at(-1)!.did }))
  })
}

/** The queue of features that are gone. */
export const FORGET_FEATURE = 'forget-feature'

/** Takes away what stood beside a feature that is gone: its news, the notes on it, and what was
 *  said about it to those who run the node. Doing it again changes nothing. */
export async function forgetFeature(a: Acting, feature: string): Promise<void> {
  const { rows } = await a.sql.query<{ did: string; rkey: string }>(
    'select did, rkey from appview."roadmapUpdate" where feature = $1',
    [feature],
  )
  for (const { did, rkey } of rows)
    await act(a, {
      at: { did, collection: roadmapUpdate.nsid, rkey, place: '' },
      record: undefined,
      by: { actor: did, role: 'clock', action: FORGET_FEATURE },
    })
  for (const table of ['roadmapNotes', 'privateFeedback'])
    await a.sql.query(`delete from node."${table}" where feature = $1`, [feature])
}
