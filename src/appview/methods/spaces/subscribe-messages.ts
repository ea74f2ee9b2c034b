import { getMain } from '@atproto/lex'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { co } from '../../../lexicons/index.ts'
import { message } from '../../collections/spaces/message.ts'
import { reaction } from '../../collections/spaces/reaction.ts'
import type { FeedListener } from '../../feed-listener.ts'
import { present } from '../../look.ts'
import { requireSpace } from '../../membership.ts'
import { type FeedEntry, feedBounds, readFeed, rowsByUri } from '../../read-feed.ts'
import type { Mount, Reading } from '../../serve.ts'

type Deps = Reading & { readonly feeds: FeedListener }
type Told = Readonly<Record<string, unknown>>

/** `spaces.subscribeMessages`: what happens to a space's messages, each change once and in order.
 *  With a cursor the stream goes on after it; changes that no longer matter are told as what they
 *  came to (a message created and deleted since is told as deleted). */
export function subscribeMessages({ server }: Pick<Mount, 'server'>, deps: Deps): void {
  const { sql, feeds } = deps
  const config = {
    handler: async function* ({
      params,
      signal,
    }: {
      params: co.kendev.spaces.subscribeMessages.$Params
      signal: AbortSignal
    }): AsyncGenerator<Told> {
      const { space } = params
      await requireSpace(sql, space)
      const { oldest, newest } = await feedBounds(sql, space)
      let cursor = params.cursor ?? newest
      if (cursor > newest)
        throw new InvalidRequestError('The cursor is ahead of the newest event.', 'FutureCursor')
      if (cursor + 1 < oldest) yield outdated(oldest)
      while (!signal.aborted) {
        // Asked for before the feed is read, so that what comes in between wakes us too.
        const grown = feeds.grown(space, signal)
        for (;;) {
          const entries = await readFeed(sql, space, cursor)
          if (entries.length === 0) break
          for (const told of await tell(deps, entries)) yield told
          cursor = entries.at(-1)!.seq
        }
        await grown
      }
    },
  }
  server.add(getMain(co.kendev.spaces.subscribeMessages), config as never)
}

async function tell({ sql, origin }: Deps, entries: readonly FeedEntry[]): Promise<Told[]> {
  const of = (collection: string) =>
    entries.filter((e) => e.collection === collection).map((e) => e.uri)
  const [messages, reactions] = await Promise.all([
    rowsByUri(sql, message.table, of(message.nsid)),
    rowsByUri(sql, reaction.table, of(reaction.nsid)),
  ])
  const rows = [...messages.values()]
  const views = await present(message, rows, { sql, origin })
  const viewOf = new Map(rows.map((row, n) => [row.uri as string, views[n]]))
  return entries.flatMap(({ seq, uri, action, collection, at }): Told[] => {
    const time = at.toISOString()
    if (collection === message.nsid) {
      const view = viewOf.get(uri)
      if (action === 'deleted' || !view) return [{ $type: kind('deleted'), seq, uri, time }]
      return [{ $type: kind(action), seq, message: view, time }]
    }
    if (collection !== reaction.nsid) return []
    const row = reactions.get(uri)
    if (!row || action === 'deleted')
      return [{ $type: kind('reaction'), seq, uri, removed: true, time }]
    const { subject, did: author, emoji } = row
    return [{ $type: kind('reaction'), seq, uri, subject, author, emoji, time }]
  })
}

function kind(name: 'created' | 'updated' | 'deleted' | 'reaction' | 'info'): string {
  return `${getMain(co.kendev.spaces.subscribeMessages).nsid}#${name}`
}

function outdated(oldest: number): Told {
  return {
    $type: kind('info'),
    name: 'OutdatedCursor',
    message: `Events before ${oldest} are no longer kept. List the messages to catch up.`,
  }
}
