import { expect, test } from 'vitest'
import { SetHash } from '../../src/permissioned/set-hash.ts'
import type { OpsPage } from '../../src/permissioned/space-api.ts'
import { MEMBERS, NOTE, SPACE, type Stage, notes, stage } from './follower.ts'
import type { TrueRepo } from './true-repo.ts'

const [ANNA, BEN] = MEMBERS as [string, string, string, string]
const HOUR = 3_600_000

/** Anna's repo is held with one note; then she writes two more, and her host behaves like this. */
async function withOps(ops: (page: OpsPage, repo: TrueRepo) => OpsPage | Promise<OpsPage>) {
  const on = await stage((before) => void before.write(SPACE, ANNA, notes(1)))
  await on.timers.pass(10_000)
  const before = on.both(ANNA).shown
  on.world.trouble = { ops }
  await on.following.notified(on.world.write(SPACE, ANNA, notes(3, 'changed')))
  return { ...on, before }
}

/** The same, and no whole repo is served: what is shown must stay what it was. */
async function shownOf(ops: (page: OpsPage, repo: TrueRepo) => OpsPage | Promise<OpsPage>) {
  const on = await withOps(ops)
  on.world.trouble.car = broken
  await on.timers.pass(60_000)
  const { shown } = on.both(ANNA)
  await on.following.close()
  return { shown, before: on.before, asked: on.world.asked }
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('this is no repo')
}

async function recovers(on: Stage): Promise<void> {
  on.world.trouble = {}
  await on.timers.pass(120_000)
  expect(on.both(ANNA).shown).toEqual(on.both(ANNA).real)
  await on.following.close()
}

const LIES: Record<string, (page: OpsPage, repo: TrueRepo) => OpsPage | Promise<OpsPage>> = {
  'an operation is left out': (page) => ({ ...page, ops: page.ops.slice(1) }),
  'an operation is told twice': (page) => ({ ...page, ops: [page.ops[0]!, ...page.ops] }),
  'a value is left out': (page) => ({
    ...page,
    ops: page.ops.map(({ bytes: _, ...op }) => op),
  }),
  'a delete is made up': (page) => ({
    ...page,
    ops: page.ops.map((op) => ({ ...op, cid: null, prev: op.cid })),
  }),
  'the log begins after what is held': (page, repo) => {
    repo.compact(1)
    return { ...page, ops: page.ops.slice(-1) }
  },
  'the commit states another hash': async (page, repo) => {
    const { signCommit } = await import('../../src/permissioned/commit.ts')
    const hash = new SetHash().digest()
    const { space, author, rev, sign } = repo
    return { ...page, commit: await signCommit({ space, author, rev, sign, hash }) }
  },
  'there is no commit': ({ ops }) => ({ ops }),
  'the log has no end': (page) => ({ ops: page.ops, cursor: 'again' }),
}

test.each(Object.keys(LIES))('when %s, nothing of it is shown', async (name) => {
  const { shown, before, asked } = await shownOf(LIES[name]!)
  expect(shown).toEqual(before)
  expect(asked.filter((line) => line === `repo ${ANNA}`).length).toBeGreaterThan(1)
})

test.each(Object.keys(LIES))('when %s, the whole repo makes up for it', async (name) => {
  const on = await withOps(LIES[name]!)
  await on.timers.pass(60_000)
  expect(on.both(ANNA).shown).toEqual(on.both(ANNA).real)
  await on.following.close()
})

test('the hash of a commit is bound to it by its MAC', async () => {
  const on = await withOps(async (page, repo) => {
    const commit = await repo.commit()
    return { ops: [], commit: { ...commit, hash: on0.digest } }
  })
  const on0 = on.world.repo(SPACE, ANNA)
  on.world.trouble.car = broken
  await on.timers.pass(60_000)
  expect(on.both(ANNA).shown).toEqual(on.before)
  await recovers(on)
})

test('a commit signed by somebody else is not believed, and one with a new key is', async () => {
  const on = await stage((before) => void before.write(SPACE, ANNA, notes(1)))
  await on.timers.pass(10_000)
  const repo = on.world.repo(SPACE, ANNA)
  const [anna, ben] = [on.world.signers.get(ANNA)!, on.world.signers.get(BEN)!]
  const { shown } = on.both(ANNA)
  // The host signs with a key that the document does not name.
  Object.assign(repo, { sign: async (bytes: Uint8Array) => ben.sign(bytes) })
  on.world.write(SPACE, ANNA, notes(3))
  await on.timers.pass(100_000)
  expect(on.both(ANNA).shown).toEqual(shown)
  // Now it does, but the cache of documents is behind, until it is asked for the newest.
  on.world.stale.set(ANNA, on.world.identity(ANNA)!)
  on.world.signers.set(ANNA, ben)
  await on.timers.pass(100_000)
  expect(on.both(ANNA).shown).toEqual(on.both(ANNA).real)
  expect(on.both(ANNA).shown).not.toEqual(shown)
  expect(anna.didKey).not.toBe(ben.didKey)
  await on.following.close()
})

test('an old state that is shown again changes nothing', async () => {
  const on = await stage((before) => void before.write(SPACE, ANNA, notes(1)))
  await on.timers.pass(10_000)
  const old = on.world.repo(SPACE, ANNA).snapshot()
  await on.following.notified(on.world.write(SPACE, ANNA, notes(3)))
  await on.timers.pass(10_000)
  const { shown } = on.both(ANNA)
  on.world.trouble = {
    ops: async () => ({ ops: [], commit: await old.commit() }),
    car: () => old.car(),
    list: (page) => ({ ...page, repos: page.repos.map((r) => ({ ...r, hash: old.digest })) }),
  }
  await on.timers.pass(2 * HOUR)
  expect(on.both(ANNA).shown).toEqual(shown)
  expect(on.world.asked.filter((line) => line === `repoOps ${ANNA}`).length).toBeGreaterThan(1)
  await recovers(on)
})

test('a commit from the future is not believed', async () => {
  const on = await stage((before) => void before.write(SPACE, ANNA, notes(1)))
  await on.timers.pass(10_000)
  const { shown } = on.both(ANNA)
  on.world.repo(SPACE, ANNA).write('3zzzzzzzzzzzz', notes(3))
  on.world.spaces.get(SPACE)!.writers[0]!.hash = Buffer.alloc(32)
  await on.timers.pass(10 * 60_000)
  expect(on.both(ANNA).shown).toEqual(shown)
  await on.following.close()
})

test('a CAR that ends early leaves only what is true, and the rest comes later', async () => {
  const on = await stage((before) => {
    before.write(SPACE, ANNA, notes(9))
    before.trouble = { car: (repo) => cut(repo.car(), 7) }
  })
  await on.timers.pass(60_000)
  const { shown, real } = on.both(ANNA)
  expect(Object.keys(shown).length).toBeGreaterThan(0)
  expect(Object.keys(shown).length).toBeLessThan(9)
  expect(real).toMatchObject(shown)
  expect(await on.sink.stateOf(SPACE, ANNA)).toBeUndefined()
  await recovers(on)
})

test('a whole repo that broke off is finished by a whole one, whatever the log says', async () => {
  const on = await stage((before) => void before.write(SPACE, ANNA, notes(2)))
  await on.timers.pass(10_000)
  // Its host shows a state that it then takes back, and of which the log knows nothing.
  const lost = on.world.repo(SPACE, ANNA).snapshot()
  lost.write(on.world.nextTid(), notes(9, 'lost'))
  on.world.trouble = { ops: () => ({ ops: [] }), car: () => cut(lost.car(), 8) }
  await on.following.notified(on.world.write(SPACE, ANNA, [{ path: `${NOTE}/x`, text: 'x' }]))
  await on.timers.pass(10_000)
  expect(on.both(ANNA).shown).not.toEqual(on.both(ANNA).real)
  await recovers(on)
})

test('records that are gone from a whole repo are taken out', async () => {
  const on = await stage((before) => void before.write(SPACE, ANNA, notes(9)))
  await on.timers.pass(10_000)
  const repo = on.world.repo(SPACE, ANNA)
  on.world.write(
    SPACE,
    ANNA,
    notes(7).map(({ path }) => ({ path, text: null })),
  )
  repo.compact()
  await on.timers.pass(200_000)
  expect(Object.keys(on.both(ANNA).shown)).toHaveLength(2)
  await recovers(on)
})

test('a list of repos that are not there, or not like that, costs only questions', async () => {
  const on = await stage((before) => {
    before.write(SPACE, ANNA, notes(3))
    before.write(SPACE, BEN, notes(3))
    before.trouble = {
      list: (page) => ({
        ...page,
        repos: page.repos.flatMap((repo) => [
          { ...repo, did: 'did:plc:nobody' },
          { ...repo, did: MEMBERS[2]! },
          { ...repo, repoRev: '3zzzzzzzzzzzz', hash: Buffer.alloc(32) },
        ]),
      }),
    }
  })
  await on.timers.pass(HOUR)
  expect(on.both(ANNA).shown).toEqual(on.both(ANNA).real)
  expect(on.both(BEN).shown).toEqual(on.both(BEN).real)
  expect(on.both(MEMBERS[2]!).shown).toEqual({})
  await on.following.close()
})

test('a list whose cursor stands still is not read for ever', async () => {
  const on = await stage((before) => {
    before.write(SPACE, ANNA, notes(3))
    const first = before.page(SPACE, null)
    before.trouble = { list: () => ({ ...first, cursor: 'still' }) }
  })
  await on.timers.pass(60_000)
  expect(on.both(ANNA).shown).toEqual(on.both(ANNA).real)
  expect(on.world.asked.length).toBeLessThan(60)
  await recovers(on)
})

test('a repo that its host does not know is forgotten, and is there again when it is', async () => {
  const on = await stage((before) => void before.write(SPACE, ANNA, notes(3)))
  await on.timers.pass(10_000)
  const repo = on.world.repo(SPACE, ANNA)
  on.world.repos.delete(`${SPACE} ${ANNA}`)
  await on.following.fetchNow(SPACE, ANNA)
  expect(on.both(ANNA).shown).toEqual({})
  on.world.repos.set(`${SPACE} ${ANNA}`, repo)
  await recovers(on)
})

async function* cut(car: AsyncIterable<Uint8Array>, pieces: number): AsyncGenerator<Uint8Array> {
  let left = pieces
  for await (const piece of car) {
    if (left === 0) return
    left -= 1
    yield piece
  }
}
