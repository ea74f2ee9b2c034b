import { SetHash } from '../../src/permissioned/format/set-hash.ts'
import type { SpaceSink } from '../../src/permissioned/sink.ts'

type Repo = {
  state?: { rev: string; setHash: Uint8Array }
  records: Map<string, { cid: string; rev: string; bytes: Uint8Array }>
}

/** A sink in memory. `fail` is called before each step and may throw. */
export type MemorySink = SpaceSink & {
  repos: Map<string, Repo>
  calls: string[]
  fail: (step: string, did: string) => void
}

/** Makes an empty sink that keeps what it is given, as the views would. */
export function memorySink(): MemorySink {
  const repos = new Map<string, Repo>()
  const calls: string[] = []
  const key = (space: string, did: string) => `${space} ${did}`
  const repoOf = (space: string, did: string): Repo => {
    const repo = repos.get(key(space, did)) ?? { records: new Map() }
    repos.set(key(space, did), repo)
    return repo
  }
  const take = (repo: Repo, writes: Parameters<SpaceSink['page']>[0]['writes']) => {
    for (const { collection, rkey, cid, rev, bytes } of writes) {
      const path = `${collection}/${rkey}`
      if (cid === null) repo.records.delete(path)
      else repo.records.set(path, { cid, rev, bytes: bytes! })
    }
  }
  const sink: MemorySink = {
    repos,
    calls,
    fail: () => undefined,
    async stateOf(space, did) {
      sink.fail('stateOf', did)
      return repos.get(key(space, did))?.state
    },
    async held(space, did, after, limit) {
      sink.fail('held', did)
      const { records } = repoOf(space, did)
      const paths = [...records.keys()].filter((path) => path > after).toSorted()
      return paths.slice(0, limit).map((path) => ({ path, cid: records.get(path)!.cid }))
    },
    async page({ space, did, writes }) {
      calls.push('page')
      sink.fail('page', did)
      take(repoOf(space, did), writes)
    },
    async apply({ space, did, rev, setHash, writes }) {
      calls.push('apply')
      sink.fail('apply', did)
      const repo = repoOf(space, did)
      if (repo.state && repo.state.rev >= rev) return
      take(repo, writes)
      repo.state = { rev, setHash }
      sink.fail('applied', did)
    },
    async forget(space, did = '') {
      calls.push('forget')
      sink.fail('forget', did)
      for (const at of repos.keys()) if (at.startsWith(key(space, did))) repos.delete(at)
    },
  }
  return sink
}

/** Whether the set hash of what a sink holds of a repo is the one it was given. */
export function isWhole({ state, records }: Repo): boolean {
  const setHash = new SetHash()
  for (const [path, { cid }] of records) setHash.add(path, cid)
  return Buffer.from(setHash.state()).equals(Buffer.from(state?.setHash ?? []))
}
