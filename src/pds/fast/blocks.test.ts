import { BlockMap, CidSet } from '@atproto/repo'
import { expect, test } from 'vitest'
import { keepBlocks } from './blocks.ts'
import { type ActorStore, type ActorTransactor } from './package-parts.ts'

const DID = 'did:web:a.test'

/** As much of an actor store as the cache touches; `fromDisk` counts the blocks it had to read. */
function store(): { store: ActorStore; fromDisk: () => number } {
  let fromDisk = 0
  const transact = async (_: string, fn: (txn: ActorTransactor) => unknown): Promise<unknown> => {
    const hooks: (() => void)[] = []
    const storage = {
      cache: new BlockMap(),
      cacheRev: async () => void fromDisk++,
      applyCommit: async () => {},
    }
    const db = { onCommit: (hook: () => void) => void hooks.push(hook) }
    const result = await fn({ repo: { storage, db } } as unknown as ActorTransactor)
    for (const hook of hooks) hook()
    return result
  }
  const made = { transact } as unknown as ActorStore
  keepBlocks(made)
  return { store: made, fromDisk: () => fromDisk }
}

async function blocksOf(text: string): Promise<BlockMap> {
  const blocks = new BlockMap()
  await blocks.add({ text })
  return blocks
}

async function commit(
  at: ActorStore,
  revs: { from: string; to: string; fails?: boolean; removed?: BlockMap },
): Promise<BlockMap> {
  const newBlocks = await blocksOf(revs.to)
  const removedCids = new CidSet(revs.removed?.cids() ?? [])
  return at.transact(DID, async (txn) => {
    const { storage } = txn.repo
    await storage.cacheRev(revs.from)
    const had = new BlockMap(storage.cache)
    await storage.applyCommit({ rev: revs.to, newBlocks, removedCids } as never)
    if (revs.fails === true) throw new Error('rolled back')
    return had
  })
}

test('a commit finds the blocks of the one before it, and not the removed ones', async () => {
  const { store: at, fromDisk } = store()
  await commit(at, { from: '0', to: '1' })
  const had = await commit(at, { from: '1', to: '2', removed: await blocksOf('1') })
  expect(had.equals(await blocksOf('1'))).toBe(true)
  expect((await commit(at, { from: '2', to: '3' })).equals(await blocksOf('2'))).toBe(true)
  expect(fromDisk()).toBe(1)
})

test('blocks of a commit that was rolled back are not kept', async () => {
  const { store: at, fromDisk } = store()
  await commit(at, { from: '0', to: '1' })
  await expect(commit(at, { from: '1', to: 'x', fails: true })).rejects.toThrow('rolled back')
  expect((await commit(at, { from: '1', to: '2' })).size).toBe(0)
  expect(fromDisk()).toBe(2)
})

test('a repo that somebody else wrote to is read anew', async () => {
  const { store: at, fromDisk } = store()
  await commit(at, { from: '0', to: '1' })
  expect((await commit(at, { from: 'theirs', to: '2' })).size).toBe(0)
  expect(fromDisk()).toBe(2)
})

test('a transaction without a commit keeps what was kept', async () => {
  const { store: at, fromDisk } = store()
  await commit(at, { from: '0', to: '1' })
  await at.transact(DID, () => undefined)
  expect((await commit(at, { from: '1', to: '2' })).size).toBe(1)
  expect(fromDisk()).toBe(1)
})
