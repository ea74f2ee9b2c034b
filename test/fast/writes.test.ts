import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultSwitches } from '../../src/pds/fast/switches.ts'
import { type Account, createAccount, createMessage, get, getCar, post } from './client.ts'
import { MESSAGE } from './client.ts'
import { type Plc, type TestPds, startPds, startPlc } from './pds.ts'
import { type Did, rkeyOf, verifiedKeys } from './repo.ts'

let plc: Plc
let server: TestPds
let accounts: Account[]

beforeAll(async () => {
  plc = await startPlc()
  // Fewer connections than accounts, so that they close and open all the time.
  server = await startPds({ plcUrl: plc.url, switches: { ...defaultSwitches, openRepos: 2 } })
  accounts = []
  for (let index = 0; index < 5; index++) accounts.push(await createAccount(server.origin))
})

afterAll(async () => {
  await server.close()
  await plc.close()
})

function accountAt(index: number): Account {
  const account = accounts[index % accounts.length]
  if (account === undefined) throw new Error('there are no accounts')
  return account
}

test('writes at one time to one repo all land, in order, and the tree verifies', async () => {
  const account = await createAccount(server.origin)
  const made = await Promise.all(
    Array.from({ length: 40 }, (_, index) => createMessage(server.origin, account, `m${index}`)),
  )
  expect(await verifiedKeys(server, account.did)).toEqual(made.map((m) => rkeyOf(m.uri)).toSorted())
  const revs = new Set(made.map((one) => one.commit.rev))
  expect(revs.size).toBe(40)
})

test('more repos than open connections: writes, reads and CARs at one time stay right', async () => {
  const wanted = new Map(accounts.map((account) => [account.did, [] as string[]]))
  const write = async (index: number): Promise<void> => {
    const account = accountAt(index)
    const made = await createMessage(server.origin, account, `m${index}`)
    wanted.get(account.did)?.push(rkeyOf(made.uri))
  }
  const read = async (index: number): Promise<void> => {
    const { did } = accountAt(index)
    await getCar(server.origin, did)
    const list = { repo: did, collection: MESSAGE }
    await get(server.origin, 'com.atproto.repo.listRecords', list)
  }
  await Promise.all(Array.from({ length: 100 }, (_, index) => (index % 3 ? write : read)(index)))
  for (const { did } of accounts) {
    expect(await verifiedKeys(server, did)).toEqual(wanted.get(did)?.toSorted())
  }
})

test('updates and deletions leave exactly what they should', async () => {
  const account = await createAccount(server.origin)
  const token = account.accessJwt
  const base = { repo: account.did, collection: MESSAGE }
  const record = { $type: MESSAGE, text: 'again', createdAt: '2026-01-01T00:00:00.000Z' }
  const keys: string[] = []
  for (let index = 0; index < 12; index++) {
    keys.push(rkeyOf((await createMessage(server.origin, account, `m${index}`)).uri))
  }
  for (const rkey of keys.slice(0, 4)) {
    await post(server.origin, 'com.atproto.repo.putRecord', { ...base, rkey, record }, { token })
  }
  // Down to an earlier tree and up again: blocks that were removed are needed once more.
  for (const rkey of keys.slice(6)) {
    await post(server.origin, 'com.atproto.repo.deleteRecord', { ...base, rkey }, { token })
  }
  for (const rkey of keys.slice(6)) {
    await createMessage(server.origin, account, 'back', { rkey })
  }
  expect(await verifiedKeys(server, account.did)).toEqual(keys.toSorted())
})

test('a write that fails leaves nothing behind, also for the writes around it', async () => {
  const account = await createAccount(server.origin)
  const did = account.did as Did
  const before = await createMessage(server.origin, account, 'before')
  const failing = (index: number): Promise<unknown> =>
    server.pds.ctx.actorStore.transact(did, async (txn) => {
      const { prepareCreate } = (await import('@atproto/pds')).repoPrepare
      const record = {
        $type: MESSAGE,
        text: `no ${index}`,
        createdAt: '2026-01-01T00:00:00.000Z',
      } as const
      await txn.repo.processWrites([await prepareCreate({ did, collection: MESSAGE, record })])
      throw new Error('changed my mind')
    })
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, async (_, index): Promise<unknown> =>
      index % 2 ? failing(index) : createMessage(server.origin, account, `m${index}`),
    ),
  )
  const made = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const uris = [before, ...(made as { uri: string }[])].map((one) => rkeyOf(one.uri))
  expect(uris).toHaveLength(11)
  expect(await verifiedKeys(server, did)).toEqual(uris.toSorted())
})

test('a swap of a commit that is not the newest is refused, and the next write is fine', async () => {
  const account = await createAccount(server.origin)
  const first = await createMessage(server.origin, account, 'one')
  await createMessage(server.origin, account, 'two')
  const stale = createMessage(server.origin, account, 'x', { swapCommit: first.commit.cid })
  await expect(stale).rejects.toMatchObject({ status: 400, error: 'InvalidSwap' })
  await createMessage(server.origin, account, 'three')
  expect(await verifiedKeys(server, account.did)).toHaveLength(3)
})

test('a repo that is not there is not found, and is not made', async () => {
  const did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
  await expect(server.pds.ctx.actorStore.openDb(did)).rejects.toThrow('Repo not found')
  await expect(server.pds.ctx.actorStore.read(did, () => 1)).rejects.toThrow('Repo not found')
  const { directory } = await server.pds.ctx.actorStore.getLocation(did)
  expect(existsSync(directory)).toBe(false)
})

test('the event of a commit that failed is never given out, and the next one is', async () => {
  const account = await createAccount(server.origin)
  const { actorStore: store, sequencer } = server.pds.ctx
  const before = await sequencer.requestSeqRange({})
  const transact = store.transact.bind(store)
  store.transact = (did, work) =>
    transact(did, async (actor) => {
      await work(actor)
      throw new Error('no room on the disk')
    }) as never
  await expect(createMessage(server.origin, account, 'never committed')).rejects.toThrow('500')
  store.transact = transact
  expect(await sequencer.requestSeqRange({})).toEqual(before)
  await createMessage(server.origin, account, 'committed')
  expect(await sequencer.requestSeqRange({})).toHaveLength(before.length + 1)
})

test('the list of repos shows a write at once', async () => {
  const account = accountAt(0)
  const { commit } = await createMessage(server.origin, account, 'newest')
  type List = { repos: { did: string; head: string; rev: string }[] }
  const { repos } = await get<List>(server.origin, 'com.atproto.sync.listRepos')
  const mine = repos.find((repo) => repo.did === account.did)
  expect(mine).toMatchObject({ head: commit.cid, rev: commit.rev })
})

test('after destroy all is in the database files, and the package alone reads it', async () => {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'fast-pds-kept-'))
  const first = await startPds({ plcUrl: plc.url, switches: defaultSwitches, dir })
  const account = await createAccount(first.origin)
  const made = await createMessage(first.origin, account, 'kept')
  await first.close()
  const files = await readdir(dir, { recursive: true })
  const open = files.filter((file) => file.endsWith('-wal') && !file.startsWith('did_cache'))
  expect(open).toEqual([])
  const second = await startPds({ plcUrl: plc.url, dir })
  expect(await verifiedKeys(second, account.did)).toEqual([rkeyOf(made.uri)])
  expect(await second.pds.ctx.sequencer.curr()).toBe(5)
  await second.close()
  await rm(dir, { recursive: true })
})
