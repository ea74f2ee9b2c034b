import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { Secp256k1Keypair } from '@atproto/crypto'
import { scripts } from '@atproto/pds'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultSwitches } from '../../src/pds/fast/switches.ts'
import { type Account, createAccount, createMessage, getCar, post } from './client.ts'
import { type Plc, type TestPds, startPds, startPlc } from './pds.ts'
import { type Did, rkeyOf, verifiedKeys, writeInProcess } from './repo.ts'

let plc: Plc
let server: TestPds

beforeAll(async () => {
  plc = await startPlc()
  server = await startPds({ plcUrl: plc.url, switches: defaultSwitches })
})

afterAll(async () => {
  await server.close()
  await plc.close()
})

async function makeRepo(did: Did): Promise<void> {
  const { actorStore } = server.pds.ctx
  await actorStore.create(did, await Secp256k1Keypair.create({ exportable: true }))
  await actorStore.transact(did, (txn) => txn.repo.createRepo([]))
}

function freshDid(): Did {
  return `did:web:${randomBytes(6).toString('hex')}.test`
}

async function keysInProcess(did: Did): Promise<string[]> {
  return server.pds.ctx.actorStore.read(did, async (reader) =>
    (await reader.record.listAll()).map((record) => rkeyOf(record.uri)),
  )
}

test('a deleted account is gone at once; the others go on', async () => {
  const other = await createAccount(server.origin)
  const gone = await createAccount(server.origin)
  await createMessage(server.origin, gone, 'hello')
  await post(server.origin, 'com.atproto.admin.deleteAccount', { did: gone.did }, { admin: true })
  await expect(getCar(server.origin, gone.did)).rejects.toMatchObject({ status: 400 })
  await expect(createMessage(server.origin, gone, 'x')).rejects.toMatchObject({ status: 403 })
  await expect(keysInProcess(gone.did as Did)).rejects.toThrow('Repo not found')
  await createMessage(server.origin, other, 'still here')
  expect(await verifiedKeys(server, other.did)).toHaveLength(1)
})

test('a DID made again starts empty, with its new key', async () => {
  const { actorStore } = server.pds.ctx
  const did = freshDid()
  await makeRepo(did)
  await writeInProcess(server.pds, did, 'old')
  const oldKey = (await actorStore.keypair(did)).did()
  await actorStore.destroy(did)
  await makeRepo(did)
  expect((await actorStore.keypair(did)).did()).not.toBe(oldKey)
  expect(await keysInProcess(did)).toEqual([])
  await writeInProcess(server.pds, did, 'new')
  await writeInProcess(server.pds, did, 'newer')
  expect(await keysInProcess(did)).toHaveLength(2)
})

test('a reader that outlives its account reads on and does not touch the next one', async () => {
  const { actorStore } = server.pds.ctx
  const did = freshDid()
  await makeRepo(did)
  await writeInProcess(server.pds, did, 'old')
  const old = await actorStore.openDb(did)
  await actorStore.destroy(did)
  await makeRepo(did)
  await writeInProcess(server.pds, did, 'new 1')
  const records = await old.db.selectFrom('record').selectAll().execute()
  expect(records).toHaveLength(1)
  old.close()
  await writeInProcess(server.pds, did, 'new 2')
  // From the file, not from the connection that wrote: an old -wal removed would show here.
  const fresh = Object.getPrototypeOf(actorStore) as typeof actorStore
  const db = await fresh.openDb.call(actorStore, did)
  expect(await db.db.selectFrom('record').selectAll().execute()).toHaveLength(2)
  db.close()
})

test('an account deleted in the middle of a write neither hangs nor comes back', async () => {
  const { actorStore } = server.pds.ctx
  const did = freshDid()
  await makeRepo(did)
  await writeInProcess(server.pds, did, 'one')
  let go = (): void => {}
  const started = new Promise<void>((resolve) => {
    void actorStore
      .transact(did, async () => {
        resolve()
        await new Promise<void>((ready) => (go = ready))
      })
      .catch(() => {})
  })
  await started
  await actorStore.destroy(did)
  go()
  await expect(keysInProcess(did)).rejects.toThrow('Repo not found')
  await makeRepo(did)
  await writeInProcess(server.pds, did, 'two')
  expect(await keysInProcess(did)).toHaveLength(1)
})

test('deleting and making accounts while others write loses nothing', async () => {
  const { actorStore } = server.pds.ctx
  const dids = Array.from({ length: 4 }, freshDid)
  const live = async (did: Did): Promise<void> => {
    for (let life = 0; life < 5; life++) {
      await makeRepo(did)
      await Promise.all([1, 2, 3].map((n) => writeInProcess(server.pds, did, `${life} ${n}`)))
      expect(await keysInProcess(did)).toHaveLength(3)
      await actorStore.destroy(did)
    }
  }
  await Promise.all(dids.map(live))
})

test('a key rotated on disk signs the next commit, and the document names it', async () => {
  const { actorStore, idResolver } = server.pds.ctx
  const account = await createAccount(server.origin)
  await createMessage(server.origin, account, 'signed with the first key')
  const fresh = await Secp256k1Keypair.create({ exportable: true })
  const { keyLocation } = await actorStore.getLocation(account.did)
  await writeFile(keyLocation, await fresh.export())
  await scripts['rotate-keys'](server.pds.ctx, [account.did])
  expect((await actorStore.keypair(account.did)).did()).toBe(fresh.did())
  expect(await idResolver.did.resolveAtprotoKey(account.did, true)).toBe(fresh.did())
  await createMessage(server.origin, account, 'signed with the second key')
  expect(await verifiedKeys(server, account.did)).toHaveLength(2)
})

test('an older copy of the repo imported over the newer one is written on from', async () => {
  const account = await createAccount(server.origin)
  const kept: string[] = []
  for (let index = 0; index < 6; index++) {
    kept.push(rkeyOf((await createMessage(server.origin, account, `kept ${index}`)).uri))
  }
  const car = await getCar(server.origin, account.did)
  for (let index = 0; index < 6; index++) await createMessage(server.origin, account, 'dropped')
  await importCar(server, account, car)
  // An import signs nothing: the commit that is the root is the old one until the next write.
  kept.push(rkeyOf((await createMessage(server.origin, account, 'after')).uri))
  expect(await verifiedKeys(server, account.did)).toEqual(kept.toSorted())
})

test('an account that moves here from another server writes on', async () => {
  const there = await startPds({ plcUrl: plc.url, serviceDid: 'did:web:localhost%3A2' })
  const old = await createAccount(there.origin)
  for (let index = 0; index < 20; index++) await createMessage(there.origin, old, `m${index}`)
  const here = server.pds.ctx.cfg.service.did
  const lxm = 'com.atproto.server.createAccount'
  const token = await there.pds.ctx.serviceAuthJwt(old.did as Did, here, lxm)
  const account = await createAccount(server.origin, { did: old.did }, token)
  await importCar(server, account, await getCar(there.origin, old.did))
  const { plcClient, plcRotationKey, actorStore } = there.pds.ctx
  const key = (await server.pds.ctx.actorStore.keypair(old.did)).did()
  await plcClient.updateAtprotoKey(old.did, plcRotationKey, key)
  await plcClient.updatePds(old.did, plcRotationKey, server.pds.ctx.cfg.service.publicUrl)
  await plcClient.updateRotationKeys(old.did, plcRotationKey, [server.pds.ctx.plcRotationKey.did()])
  await post(server.origin, 'com.atproto.server.activateAccount', undefined, {
    token: account.accessJwt,
  })
  const made = await Promise.all([1, 2, 3].map(() => createMessage(server.origin, account, 'here')))
  const keys = await verifiedKeys(server, account.did)
  expect(keys).toHaveLength(23)
  expect(keys).toEqual(expect.arrayContaining(made.map((one) => rkeyOf(one.uri))))
  expect((await actorStore.keypair(old.did)).did()).not.toBe(key)
  await there.close()
})

async function importCar(to: TestPds, account: Account, car: Uint8Array): Promise<void> {
  const type = 'application/vnd.ipld.car'
  const options = { token: account.accessJwt, type }
  await post(to.origin, 'com.atproto.repo.importRepo', new Uint8Array(car), options)
}
