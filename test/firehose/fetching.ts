import { onTestFinished } from 'vitest'
import { tmpdir } from 'node:os'
import type { HostApi } from '../../src/firehose/host-api.ts'
import { type MemoryStore, createMemoryStore } from '../../src/firehose/memory-store.ts'
import { type Refusal } from '../../src/firehose/refusal.ts'
import { startResync } from '../../src/firehose/resync.ts'
import type { ResyncLimits } from '../../src/firehose/resync-limits.ts'
import type { Applied, SyncStore } from '../../src/firehose/store.ts'
import type { IdentityResolver } from '../../src/identity/resolver.ts'
import { silentLog } from '../../src/log.ts'
import { virtualTimers } from '../virtual-timers.ts'
import type { FakeRepo } from './fake-repo.ts'

export const NOTE = 'co.kendev.spaces.message'
export const PDS = 'https://pds.example.net'

/** What a PDS answers for one account. */
export type Served = {
  repo?: () => Promise<Uint8Array | Refusal>
  status?: { active: boolean; status?: string } | undefined
}

/** A worker that fetches from PDSes told by the test, in a time that the test lets pass. */
export function fetching(
  options: { store?: (store: MemoryStore) => SyncStore; limits?: Partial<ResyncLimits> } = {},
) {
  // A repo's revision is of the real time.
  const timers = virtualTimers(new Date(Date.now() + 1_000))
  const memory = createMemoryStore({ clock: timers })
  const store = options.store?.(memory) ?? memory
  const repos = new Map<string, { repo: FakeRepo; pds: string; served: Served }>()
  const asked: string[] = []
  const told: Applied[] = []
  const serve = (repo: FakeRepo, served: Served = {}, pds = PDS) =>
    repos.set(repo.did, { repo, pds, served: { status: { active: true }, ...served } })
  const at = (service: string, did: string) => {
    const found = repos.get(did)
    return found?.pds === service ? found : undefined
  }
  const api: Pick<HostApi, 'repo' | 'repoStatus'> = {
    async repo(service, did) {
      asked.push(did)
      const found = at(service, did)!
      const answer = await (found.served.repo?.() ?? found.repo.whole())
      return answer instanceof Uint8Array ? { ok: true, body: inPieces(answer) } : answer
    },
    repoStatus: async (service, did) => at(service, did)?.served.status,
  }
  const resolver: Pick<IdentityResolver, 'resolve' | 'document'> = {
    resolve: async (did) => repos.get(did)?.repo.identity(repos.get(did)!.pds),
    document: async () => undefined,
  }
  const start = () => {
    const worker = startResync({
      store,
      api,
      resolver,
      timers,
      serviceOf: (pds) => pds,
      prefix: 'co.kendev.',
      log: silentLog,
      signal: new AbortController().signal,
      applied: (what) => {
        told.push(what)
        worker.queue(what.queued)
      },
      fetching: { folder: tmpdir(), lookMs: 20_000, ...options.limits },
    })
    onTestFinished(() => worker.close())
    return worker
  }
  return { timers, store: memory, start, serve, repos, asked, told }
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000)
}

/** Notes by number, of which every third is in a collection nobody asks for. */
export function notes(from: number, to: number, action: 'create' | 'update' | 'delete' = 'create') {
  return Array.from({ length: to - from }, (_, index) => {
    const n = from + index
    const collection = n % 3 === 0 ? 'app.bsky.feed.post' : NOTE
    const rkey = `note${String(n).padStart(4, '0')}`
    return { action, collection, rkey, record: { text: `${action} ${n}` } }
  })
}

/** What is shown of a repo, as the keys of its records. */
export function shown(store: MemoryStore, did: string): string[] {
  const prefix = `at://${did}/${NOTE}/`
  const uris = store.dump().shown.filter((uri) => uri.startsWith(prefix))
  return uris.map((uri) => uri.slice(prefix.length))
}

/** The keys of the notes that are shown when these are held. */
export function keysOf(writes: ReturnType<typeof notes>): string[] {
  return writes.flatMap(({ collection, rkey }) => (collection === NOTE ? [rkey] : [])).toSorted()
}
