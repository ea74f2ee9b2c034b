import type { IncomingMessage, ServerResponse } from 'node:http'
import { getMain } from '@atproto/lex'
import { InvalidRequestError } from '@atproto/xrpc-server'
import { type Audience, isAudience } from '../../../permissioned/audience.ts'
import { co } from '../../../lexicons/index.ts'
import { message } from '../../collections/spaces/message.ts'
import { reaction } from '../../collections/spaces/reaction.ts'
import { outOfReach } from '../../channel-reach.ts'
import type { FeedListener } from '../../feed-listener.ts'
import { present } from '../../look.ts'
import { requireReader } from '../../membership.ts'
import { type FeedEntry, feedBounds, readFeed, rowsByUri } from '../../read-feed.ts'
import { uriIn } from '../../reference.ts'
import type { Mount, Reading } from '../../serve.ts'

type Deps = Reading & { readonly feeds: FeedListener }
type Told = Readonly<Record<string, unknown>>
type Rows = Awaited<ReturnType<typeof rowsByUri>>

/** `spaces.subscribeMessages`: what happens to a space's messages, each change once and in order.
 *  With a cursor the stream goes on after it; changes that no longer matter are told as what they
 *  came to (a message created and deleted since is told as deleted). What is not for everybody has
 *  a stream for each audience, which ends for whoever may no longer read it. */
export function subscribeMessages(
  { server, authenticate }: Pick<Mount, 'server' | 'authenticate'>,
  deps: Deps,
): void {
  const { sql, feeds } = deps
  const { nsid } = getMain(co.kendev.spaces.subscribeMessages)
  const config = {
    auth: async ({ req }: { req: IncomingMessage }) => ({
      credentials: { did: (await authenticate({ req, res: NO_RESPONSE }, nsid))?.did },
    }),
    handler: async function* ({
      params,
      auth,
      signal,
    }: {
      params: co.kendev.spaces.subscribeMessages.$Params
      auth: { credentials: { did: string | undefined } }
      signal: AbortSignal
    }): AsyncGenerator<Told> {
      const { space, audience } = params
      const viewer = auth.credentials.did
      const wanted = audienceAsked(audience)
      const place = await requireReader(sql, { space, viewer, audience: wanted })
      const owner = place === '' ? space : place
      const { oldest, newest } = await feedBounds(sql, owner)
      let cursor = params.cursor ?? newest
      if (cursor > newest)
        throw new InvalidRequestError('The cursor is ahead of the newest event.', 'FutureCursor')
      if (cursor + 1 < oldest) yield outdated(oldest)
      while (!signal.aborted) {
        // Asked for before the feed is read, so that what comes in between wakes us too.
        const grown = feeds.grown(owner, signal)
        for (;;) {
          const entries = await readFeed(sql, owner, cursor)
          if (entries.length === 0) break
          if (place !== '') await requireReader(sql, { space, viewer, audience: wanted })
          for (const told of await tell(deps, entries, { viewer, place })) yield told
          cursor = entries.at(-1)!.seq
        }
        await grown
      }
    },
  }
  server.add(getMain(co.kendev.spaces.subscribeMessages), config as never)
}

/** A subscription has no response that credentials could put headers into. */
const NO_RESPONSE = {
  setHeader: () => undefined,
  appendHeader: () => undefined,
} as unknown as ServerResponse

function audienceAsked(audience: string | undefined): Audience | undefined {
  if (audience === undefined || isAudience(audience)) return audience
  throw new InvalidRequestError(`There is no audience ${audience} here.`, 'NotFound')
}

async function tell(
  { sql, origin }: Deps,
  entries: readonly FeedEntry[],
  { viewer, place }: { viewer: string | undefined; place: string },
): Promise<Told[]> {
  const reading = { sql, viewer }
  const of = (collection: string) =>
    entries.filter((e) => e.collection === collection).map((e) => e.uri)
  const kinds = [message, reaction]
  const [messages, reactions] = (await Promise.all(
    kinds.map((c) => rowsByUri(reading, c, of(c.nsid))),
  )) as [Rows, Rows]
  // Of what is in a channel that the viewer is kept from, nothing is told.
  const kept = await Promise.all(kinds.map((c) => outOfReach(reading, c, of(c.nsid))))
  // What the space has put away since is told as gone.
  const rows = [...messages.values()].filter((row) => row['archived'] !== true)
  const views = await present(message, rows, { sql, origin })
  const viewOf = new Map(rows.map((row, n) => [row.uri as string, views[n]]))
  const told = entries.filter(({ uri }) => kept.every((hidden) => !hidden.has(uri)))
  return told.flatMap(({ seq, uri: known, action, collection, at }): Told[] => {
    const time = at.toISOString()
    const uri = uriIn(place, known)
    if (collection === message.nsid) {
      const view = viewOf.get(known)
      if (action === 'deleted' || !view) return [{ $type: kind('deleted'), seq, uri, time }]
      return [{ $type: kind(action), seq, message: view, time }]
    }
    if (collection !== reaction.nsid) return []
    const row = reactions.get(known)
    if (!row || action === 'deleted')
      return [{ $type: kind('reaction'), seq, uri, removed: true, time }]
    const { subjectRef, did: author, emoji } = row
    const { uri: subject } = subjectRef as co.kendev.defs.Ref
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
