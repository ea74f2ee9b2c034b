import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Flush, flushToDisk } from '../../src/pds/fast/group-sync.ts'
import { defaultSwitches } from '../../src/pds/fast/switches.ts'
import { createAccount, createMessage } from './client.ts'
import { type Plc, type TestPds, startPds, startPlc } from './pds.ts'
import { verifiedKeys } from './repo.ts'

/** A disk that tests can stop and break. */
class Disk {
  synced: string[] = []
  stopped: ((path: string) => boolean) | undefined
  broken: ((path: string) => boolean) | undefined
  readonly #waiting: (() => void)[] = []
  readonly flush: Flush = async (fd, path) => {
    if (this.broken?.(path)) throw new Error('EIO: the disk is gone')
    if (this.stopped?.(path)) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    await flushToDisk(fd, path)
    this.synced.push(path)
  }
  goOn(): void {
    this.stopped = undefined
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

let plc: Plc
let server: TestPds
let disk: Disk

beforeAll(async () => {
  plc = await startPlc()
  disk = new Disk()
  server = await startPds({ plcUrl: plc.url, switches: defaultSwitches, flush: disk.flush })
})

afterAll(async () => {
  await server.close()
  await plc.close()
})

afterEach(() => {
  disk.broken = undefined
  disk.goOn()
})

const isEvents = (path: string): boolean => path.endsWith('sequencer.sqlite-wal')
const isRepo = (path: string): boolean => path.endsWith('store.sqlite-wal')

async function settled(promise: Promise<unknown>): Promise<boolean> {
  const still = Symbol('still')
  return (await Promise.race([promise, sleep(150).then(() => still)])) !== still
}

const countMessages = (did: string): Promise<number> =>
  server.pds.ctx.actorStore.read(did as `did:${string}:${string}`, (store) =>
    store.record.recordCount(),
  )

for (const [what, isFile] of [
  ['the repo', isRepo],
  ['its event', isEvents],
] as const) {
  test(`a write is neither answered nor announced before ${what} is on disk`, async () => {
    const account = await createAccount(server.origin)
    const seen: string[] = []
    const watch = (events: { type: string; evt: object }[]): void => {
      for (const event of events) if ('repo' in event.evt) seen.push(String(event.evt.repo))
    }
    server.pds.ctx.sequencer.on('events', watch)
    await sleep(50)
    seen.length = 0
    disk.stopped = isFile
    const write = createMessage(server.origin, account, 'hello')
    expect(await settled(write)).toBe(false)
    expect(seen).toEqual([])
    disk.goOn()
    await write
    await expect.poll(() => seen, { timeout: 500 }).toEqual([account.did])
    server.pds.ctx.sequencer.off('events', watch)
  })
}

test('writes that wait for the disk at one time share a sync', async () => {
  const account = await createAccount(server.origin)
  await createMessage(server.origin, account, 'first')
  disk.synced = []
  disk.stopped = isRepo
  const writes = Promise.all(
    [...Array(30).keys()].map(() => createMessage(server.origin, account, 'm')),
  )
  await expect.poll(() => countMessages(account.did), { timeout: 20_000 }).toBe(31)
  expect(await settled(writes)).toBe(false)
  disk.goOn()
  await writes
  // The first one's, and one for all that were committed meanwhile.
  expect(disk.synced.filter(isRepo).length).toBe(2)
})

test('a write whose sync failed is not acknowledged, nor are later ones of that repo', async () => {
  const account = await createAccount(server.origin)
  const other = await createAccount(server.origin)
  await createMessage(server.origin, account, 'fine')
  const { dbLocation } = await server.pds.ctx.actorStore.getLocation(account.did)
  disk.broken = (path) => path.startsWith(dbLocation)
  await expect(createMessage(server.origin, account, 'x')).rejects.toMatchObject({ status: 500 })
  disk.broken = undefined
  await expect(createMessage(server.origin, account, 'y')).rejects.toMatchObject({ status: 500 })
  await createMessage(server.origin, other, 'not concerned')
})

test('an event reaches subscribers right after its write, also after a long silence', async () => {
  const account = await createAccount(server.origin)
  // Long enough for the poll to wait longer than what is expected below.
  await sleep(700)
  let seenAt = 0
  server.pds.ctx.sequencer.once('events', () => (seenAt = performance.now()))
  await createMessage(server.origin, account, 'hello')
  const answeredAt = performance.now()
  await expect.poll(() => seenAt, { timeout: 1000, interval: 5 }).toBeGreaterThan(0)
  expect(seenAt - answeredAt).toBeLessThan(100)
})

test('events come in order and without a gap while many write', async () => {
  const [one, two] = [await createAccount(server.origin), await createAccount(server.origin)]
  await sleep(100)
  const seqs: number[] = []
  const watch = (events: { seq: number }[]): void => void seqs.push(...events.map((e) => e.seq))
  server.pds.ctx.sequencer.on('events', watch)
  const write = (index: number): Promise<unknown> =>
    createMessage(server.origin, index % 2 ? one : two, `m${index}`)
  await Promise.all(Array.from({ length: 60 }, (_, index) => write(index)))
  await expect.poll(() => seqs.length).toBe(60)
  const first = seqs[0] ?? 0
  expect(seqs).toEqual(Array.from({ length: 60 }, (_, index) => first + index))
  server.pds.ctx.sequencer.off('events', watch)
})

test('a transaction that fails does not hold the events of others back', async () => {
  const account = await createAccount(server.origin)
  const { sequencer, actorStore } = server.pds.ctx
  const did = account.did as 'did:plc:x'
  const failing = actorStore.transact(did, async () => {
    await sequencer.sequenceIdentity(did)
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  const next = new Promise((resolve) => sequencer.once('events', resolve))
  await createMessage(server.origin, account, 'hello')
  expect(await settled(next)).toBe(true)
})

test('the WAL is taken into the database while the server runs', async () => {
  const account = await createAccount(server.origin)
  const { dbLocation } = await server.pds.ctx.actorStore.getLocation(account.did)
  const before = statSync(dbLocation).size
  for (let index = 0; index < 100; index++) {
    await createMessage(server.origin, account, `message ${index} ${'x'.repeat(500)}`)
  }
  await expect.poll(() => statSync(dbLocation).size, { timeout: 3000 }).toBeGreaterThan(before)
  expect(await verifiedKeys(server, account.did)).toHaveLength(100)
})
