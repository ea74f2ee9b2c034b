import type { RecordWrite } from './event.ts'
import { linkOf } from './mst-node.ts'
import { readRecordBlock } from './record-block.ts'
import { splitPath } from './record-path.ts'
import type { Refusal } from './refusal.ts'
import type { SyncStore } from './store.ts'
import { type TreeEntry, walkTree } from './walk-tree.ts'

/** A fetched repo, its commit verified. */
export type FetchedRepo = {
  readonly did: string
  readonly rev: string
  /** `cidKey` of the root of the tree */
  readonly tree: string
  readonly blocks: number
  readonly get: (link: string) => Uint8Array | undefined
}

export type TakeOverOptions = {
  store: Pick<SyncStore, 'held' | 'resyncPage'>
  /** beginning of the NSIDs of the collections that records are kept of; empty for all */
  prefix: string
  breathe: () => Promise<void>
  signal: AbortSignal
}

/** Changes that are stored at once, and their bytes. */
const PAGE = { writes: 500, bytes: 4_000_000 }
/** Storage sorts all paths of a repo for each of these. */
const HELD_PAGE = 10_000
const BREATHE_ENTRIES = 200

/** What was taken over, for the log, and whom the records name. */
export type TakenOver = { ok: true; written: number; skipped: number; named: Set<string> }

/**
 * Makes what is held of a repo what was fetched of it: reads both in the order of their paths and
 * stores only the differences, page by page; what is held and not there has been deleted. A record
 * that no record may be is left out; one whose block is missing refuses the repo. What was stored
 * by then is true all the same, as each record is in the signed tree.
 */
export async function takeOver(
  repo: FetchedRepo,
  options: TakeOverOptions,
): Promise<TakenOver | Refusal> {
  const { did, rev } = repo
  const { store, prefix, breathe, signal } = options
  const page = new Page(async (writes) => store.resyncPage(did, rev, writes))
  const held = new HeldPaths(store, did, prefix)
  const entries = walkTree(repo, repo.tree, prefix)
  let skipped = 0
  for (let seen = 1; ; seen += 1) {
    const { done, value } = entries.next()
    if (done === true) {
      if (value) return value
      break
    }
    while (await held.isBefore(value.key)) await page.push(deletion(did, held.take().path))
    const change = writeOf(repo, value, held.has(value.key) ? held.take() : undefined)
    if (change !== undefined && 'ok' in change) {
      if (change.reason === 'MissingRecord') return change
      skipped += 1
    } else if (change !== undefined) await page.push(change)
    if (seen % BREATHE_ENTRIES === 0) await breathe()
    signal.throwIfAborted()
  }
  while (await held.isBefore(undefined)) await page.push(deletion(did, held.take().path))
  await page.store()
  return { ok: true, written: page.written, skipped, named: page.named }
}

/** The write that makes a path hold what the tree says; undefined when it does. */
function writeOf(
  repo: FetchedRepo,
  { key, value }: TreeEntry,
  held: { path: string; cid: string } | undefined,
): RecordWrite | Refusal | undefined {
  const link = linkOf(value)
  const cid = link.$link
  if (held?.cid === cid) return undefined
  const path = splitPath(key)
  const bytes = repo.get(value)
  const record = readRecordBlock(link, new Map(bytes && [[value, bytes]]))
  const { did } = repo
  if (path !== undefined && record.ok)
    return { action: held ? 'update' : 'create', did, ...path, cid, bytes: record.bytes }
  if (!record.ok && record.reason === 'MissingRecord') return record
  // What was there before is not there any more.
  if (held) return deletion(did, key)
  return record.ok ? undefined : record
}

function deletion(did: string, path: string): RecordWrite {
  const [collection, rkey] = path.split('/') as [string, string]
  return { action: 'delete', did, collection, rkey, cid: null, bytes: null }
}

/** Gathers writes until there are enough of them to be stored at once. */
class Page {
  readonly #send: (writes: readonly RecordWrite[]) => Promise<readonly string[]>
  readonly named = new Set<string>()
  written = 0
  #writes: RecordWrite[] = []
  #bytes = 0

  constructor(send: (writes: readonly RecordWrite[]) => Promise<readonly string[]>) {
    this.#send = send
  }

  async push(write: RecordWrite): Promise<void> {
    this.#writes.push(write)
    this.#bytes += write.bytes?.length ?? 0
    if (this.#writes.length >= PAGE.writes || this.#bytes >= PAGE.bytes) await this.store()
  }

  async store(): Promise<void> {
    if (this.#writes.length === 0) return
    for (const did of await this.#send(this.#writes)) this.named.add(did)
    this.written += this.#writes.length
    this.#writes = []
    this.#bytes = 0
  }
}

/** What is held of a repo and of its collections, in order, read by pages. */
class HeldPaths {
  readonly #store: Pick<SyncStore, 'held'>
  readonly #did: string
  readonly #prefix: string
  #page: { path: string; cid: string }[] = []
  #at = 0
  #after: string
  #ended = false

  constructor(store: Pick<SyncStore, 'held'>, did: string, prefix: string) {
    this.#store = store
    this.#did = did
    this.#prefix = prefix
    // Nothing that begins so comes before it, and it is no path itself.
    this.#after = prefix
  }

  /** Whether the next path comes before this one; before the end, for undefined. */
  async isBefore(path: string | undefined): Promise<boolean> {
    if (this.#at >= this.#page.length && !this.#ended) await this.#read()
    const next = this.#page[this.#at]
    return next !== undefined && (path === undefined || next.path < path)
  }

  /** Whether the next path is this one, after `isBefore` has said no. */
  has(path: string): boolean {
    return this.#page[this.#at]?.path === path
  }

  take(): { path: string; cid: string } {
    const next = this.#page[this.#at]!
    this.#at += 1
    return next
  }

  async #read(): Promise<void> {
    const page = await this.#store.held(this.#did, this.#after, HELD_PAGE)
    this.#page = page.filter(({ path }) => path.startsWith(this.#prefix))
    this.#at = 0
    this.#ended = page.length < HELD_PAGE || this.#page.length < page.length
    this.#after = page.at(-1)?.path ?? this.#after
  }
}
