import type { Outbound } from '../outbound/fetch.ts'
import { type PeerMethod, askPeer } from './ask-peer.ts'

/** Most pages of a list that are read: a million entries. */
const PAGES_MAX = 10_000

/** Every entry of a list that a node answers in pages. Throws when a page cannot be had: of a part
 *  nobody can say what is missing. */
export async function* everyItem(
  { fetch, node }: { readonly fetch: Outbound; readonly node: string },
  method: PeerMethod,
  asked: Readonly<Record<string, string | number>>,
): AsyncGenerator<unknown> {
  let cursor: string | undefined
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const reply = await askPeer(fetch, node, method, { query: { ...asked, cursor } })
    const items = reply.ok ? reply.body['items'] : undefined
    if (!reply.ok) throw new Error(`${node} does not answer ${method}: ${reply.message}`)
    if (!Array.isArray(items)) throw new Error(`${node} answers ${method} with no list`)
    yield* items
    const next = reply.body['cursor']
    if (typeof next !== 'string') return
    cursor = next
  }
  throw new Error(`${node} answers ${method} without end`)
}
