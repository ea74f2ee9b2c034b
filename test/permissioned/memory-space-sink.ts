import type { SpacePart, SpaceRecordWrite, SpaceSink } from '../../src/permissioned/sink.ts'

type Copy = {
  state?: { rev: string; setHash: Uint8Array }
  records: Map<string, { rev: string; cid: string }>
}

/** What a memory sink shows beside what the syncer asks of it. */
export type MemorySink = SpaceSink & {
  /** Path to CID of all that is shown of a repo. */
  shown(space: string, did: string): Record<string, string>
  /** Whether anything of a space is kept. */
  holds(space: string): boolean
}

/** Copies of repos in memory. `check` is told of each record before it is shown. */
export function memorySpaceSink(
  check: (space: string, did: string, write: SpaceRecordWrite) => void = () => undefined,
): MemorySink {
  const copies = new Map<string, Map<string, Copy>>()
  const copyOf = (space: string, did: string): Copy => {
    const repos = copies.get(space) ?? new Map<string, Copy>()
    copies.set(space, repos)
    const copy = repos.get(did) ?? { records: new Map() }
    repos.set(did, copy)
    return copy
  }
  const take = ({ space, did, writes }: SpacePart) => {
    const { records } = copyOf(space, did)
    for (const write of writes) {
      const path = `${write.collection}/${write.rkey}`
      if ((records.get(path)?.rev ?? '') > write.rev) continue
      check(space, did, write)
      if (write.cid === null) records.delete(path)
      else records.set(path, { rev: write.rev, cid: write.cid })
    }
  }
  return {
    stateOf: async (space, did) => copies.get(space)?.get(did)?.state,
    async held(space, did, after, limit) {
      const records = copies.get(space)?.get(did)?.records ?? new Map<string, { cid: string }>()
      return [...records]
        .filter(([path]) => path > after)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([path, { cid }]) => ({ path, cid }))
    },
    async page(part) {
      take(part)
    },
    async apply({ setHash, ...part }) {
      const copy = copyOf(part.space, part.did)
      if (copy.state !== undefined && copy.state.rev > part.rev) return
      take(part)
      copy.state = { rev: part.rev, setHash: Uint8Array.from(setHash) }
    },
    async forget(space, did) {
      if (did === undefined) copies.delete(space)
      else copies.get(space)?.delete(did)
    },
    shown(space, did) {
      const records = copies.get(space)?.get(did)?.records ?? new Map<string, { cid: string }>()
      return Object.fromEntries([...records].map(([path, { cid }]) => [path, cid]))
    },
    holds: (space) => (copies.get(space)?.size ?? 0) > 0,
  }
}
