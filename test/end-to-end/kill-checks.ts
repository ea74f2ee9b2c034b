import pg from 'pg'
import { collections } from '../../src/appview/collections/index.ts'
import { eventually } from '../eventually.ts'
import { type Person, anybodyGet } from '../person.ts'
import { canonical, wrongFigures } from '../recount.ts'
import type { Subscriber } from '../subscriber.ts'
import { type Stage, messageContent, reactionContent } from './kill-writers.ts'

const SPACES = 'co.kendev.spaces'

type Kept = { uri: string; cid: string; value: Record<string, unknown> }
type View = {
  uri: string
  cid: string
  text?: string
  replyCount: number
  reactions: { emoji: string; count: number }[]
}
type Found = { messages: readonly Kept[]; reactions: readonly Kept[] }

/** Holds repos, views, counters, live feed and spaces against the notes; throws what differs. */
export async function checkAll(
  origin: string,
  stage: Stage,
  { subscriber, databaseUrl }: { subscriber: Subscriber; databaseUrl: string },
): Promise<void> {
  await eventually(() => checkHealth(origin))
  const found = await readRepos(stage.people)
  checkRepos(stage, found)
  await eventually(() => checkViews(origin, stage, found))
  await checkSpaces(stage)
  await eventually(() => checkHealth(origin))
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    same('figures that differ', await wrongFigures(client as never, collections), [])
    const { rows } = await client.query<{ seq: string }>(FEED, [stage.space])
    const seqs = rows.map((row) => Number(row.seq))
    await eventually(() => checkTold(subscriber, seqs, found))
  } finally {
    await client.end()
  }
}

const FEED = `select seq from appview.feed where owner = $1
  and collection in ('${SPACES}.message', '${SPACES}.reaction') order by seq`

/** The node says that it is well and that its views are not behind. */
export async function checkHealth(origin: string): Promise<void> {
  const response = await fetch(`${origin}/xrpc/_health`)
  const body = (await response.json()) as { firehose: { lagEvents?: number; queued: number }[] }
  same('status of the health page', response.status, 200)
  same(
    'events not read or not applied',
    body.firehose.map((h) => [h.lagEvents, h.queued]),
    [[0, 0]],
  )
}

async function readRepos(people: readonly Person[]): Promise<Found> {
  const of = async (kind: string) => {
    const pages = people.map((who) =>
      readAll<Kept>((cursor) =>
        who
          .get<{ records: Kept[]; cursor?: string }>('com.atproto.repo.listRecords', {
            repo: who.did,
            collection: `${SPACES}.${kind}`,
            limit: 100,
            cursor,
          })
          .then(({ records, ...rest }) => ({ ...rest, items: records })),
      ),
    )
    return (await Promise.all(pages)).flat()
  }
  return { messages: await of('message'), reactions: await of('reaction') }
}

/** Every record says what its last acknowledged write said; nobody wrote anything else. */
function checkRepos({ notes }: Stage, { messages, reactions }: Found): void {
  const said = new Map([
    ...messages.map((m) => [m.uri, messageContent(String(m.value['text']), parentOf(m))] as const),
    ...reactions.map(
      (r) => [r.uri, reactionContent(subjectOf(r), String(r.value['emoji']))] as const,
    ),
  ])
  for (const { uri, allowed } of notes.records.values()) {
    const content = said.get(uri) ?? null
    if (!allowed.has(content))
      throw new Error(`${uri} says ${content}, not ${[...allowed].join(' or ')}`)
  }
  same(
    'records nobody wrote',
    [...said.keys()].filter((uri) => !notes.records.has(uri)),
    [],
  )
}

/** The views show each record of the repos once, and their figures are what a count gives. */
async function checkViews(origin: string, stage: Stage, found: Found): Promise<void> {
  const { space, people } = stage
  const views = await readAll<View>((cursor) =>
    anybodyGet(origin, `${SPACES}.listMessages`, { space, limit: 37, cursor }),
  )
  const replies = Map.groupBy(found.messages, parentOf)
  const reactions = Map.groupBy(found.reactions, subjectOf)
  const wanted = found.messages.map(({ uri, cid, value }) => {
    const byEmoji = Map.groupBy(reactions.get(uri) ?? [], (r) => String(r.value['emoji']))
    const tally = [...byEmoji].map(([emoji, of]) => [emoji, new Set(of.map(authorOf)).size])
    return [uri, cid, value['text'], replies.get(uri)?.length ?? 0, Object.fromEntries(tally)]
  })
  const shown = views.map((v) => {
    const tally = v.reactions.map(({ emoji, count }) => [emoji, count])
    return [v.uri, v.cid, v.text, v.replyCount, Object.fromEntries(tally)]
  })
  const lines = (of: unknown[][]) => of.map(canonical).toSorted()
  same('messages shown', lines(shown), lines(wanted))
  const { stats } = await anybodyGet<{ stats: Record<string, unknown> }>(
    origin,
    `${SPACES}.getSpace`,
    { space },
  )
  const counted = [stats['messageCount'], stats['memberCount'], stats['channelCount']]
  same('figures of the space', counted, [wanted.length, people.length, stage.channels.length])
  const { items } = await anybodyGet<{ items: { uri: string; messageCount: number }[] }>(
    origin,
    `${SPACES}.listChannels`,
    { space },
  )
  for (const { uri, messageCount } of items) {
    const inside = found.messages.filter((m) => m.value['channel'] === uri).length
    same(`messages in ${uri}`, messageCount, inside)
  }
}

/** One space for each key, and the same one when the key comes again. */
async function checkSpaces({ people, notes }: Stage): Promise<void> {
  for (const who of people) {
    const own = notes.spaces.filter(({ founder }) => founder === who.did)
    for (const { key, name, dids } of own) {
      const again = await who.call<{ did: string }>(`${SPACES}.createSpace`, {
        name,
        idempotencyKey: key,
      })
      dids.add(again.did)
      same(`spaces answered for ${key}`, dids.size, 1)
    }
    const mine = await readAll<{ did: string; name: string }>((cursor) =>
      who.get(`${SPACES}.listSpaces`, { filter: 'mine', limit: 100, cursor }),
    )
    const branches = mine.filter(({ name }) => name.startsWith('Branch '))
    const wanted = own.flatMap(({ dids }) => [...dids])
    same('spaces founded', branches.map(({ did }) => did).toSorted(), wanted.toSorted())
  }
}

/** The subscriber was told all that the feed holds, once and in order, and of every message that
 *  is there that it was created. */
function checkTold({ told }: Subscriber, seqs: readonly number[], { messages }: Found): void {
  const heard = told.filter(({ kind }) => kind !== 'error')
  same(
    'numbers heard',
    heard.map(({ seq }) => seq),
    seqs,
  )
  const created = heard.flatMap((t) =>
    t.kind === '#created' ? [(t['message'] as { uri: string }).uri] : [],
  )
  same('messages created twice', created.length - new Set(created).size, 0)
  const missed = messages.filter(({ uri }) => !created.includes(uri))
  same(
    'messages not heard of',
    missed.map(({ uri }) => uri),
    [],
  )
}

async function readAll<T>(
  page: (cursor: string | undefined) => Promise<{ items: T[]; cursor?: string }>,
): Promise<T[]> {
  const all: T[] = []
  for (let cursor: string | undefined; ;) {
    const { items, cursor: next } = await page(cursor)
    all.push(...items)
    if (next === undefined || items.length === 0) return all
    cursor = next
  }
}

function parentOf({ value }: Kept): string | undefined {
  return (value['reply'] as { parent: { uri: string } } | undefined)?.parent.uri
}

function subjectOf({ value }: Kept): string {
  return (value['subject'] as { uri: string }).uri
}

function authorOf({ uri }: Kept): string {
  return uri.split('/')[2] ?? ''
}

function same(what: string, found: unknown, wanted: unknown): void {
  const [is, should] = [found, wanted].map((value) => JSON.stringify(value))
  if (is === should) return
  if (!Array.isArray(found) || !Array.isArray(wanted))
    throw new Error(`${what}: ${is}, not ${should}`)
  const [a, b] = [found, wanted].map((list) => new Set(list.map((each) => JSON.stringify(each))))
  const [more, less] = [[...a!].filter((x) => !b!.has(x)), [...b!].filter((x) => !a!.has(x))]
  const some = (list: string[]) => list.slice(0, 5).join(', ') || 'none'
  const counts = `${found.length}, not ${wanted.length}`
  throw new Error(`${what}: ${counts}; too many: ${some(more)}; missing: ${some(less)}`)
}
