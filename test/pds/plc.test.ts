import { Secp256k1Keypair } from '@atproto/crypto'
import * as plcLib from '@did-plc/lib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog, silentLog } from '../../src/log.ts'
import { startPlc } from '../../src/pds/plc.ts'
import { nativeDatabase, type NativeDatabase } from '../database/native.ts'

let database: NativeDatabase<unknown>

beforeAll(async () => {
  database = await nativeDatabase()
})
afterAll(async () => database?.close())

const start = () => startPlc({ databaseUrl: database.url, log: silentLog })

async function createDid(url: string): Promise<{ did: string; key: Secp256k1Keypair }> {
  const key = await Secp256k1Keypair.create()
  const did = await new plcLib.Client(url).createDid({
    signingKey: key.did(),
    rotationKeys: [key.did()],
    handle: 'alice.test',
    pds: 'https://node.example',
    signer: key,
  })
  return { did, key }
}

test('the directory knows its identities after a restart, and its updates', async () => {
  const first = await start()
  const { did, key } = await createDid(first.url)
  await new plcLib.Client(first.url).updateHandle(did, key, 'bob.test')
  await first.close()
  await expect(fetch(first.url)).rejects.toThrow('fetch failed')
  const second = await start()
  const client = new plcLib.Client(second.url)
  expect((await client.getDocumentData(did)).alsoKnownAs).toEqual(['at://bob.test'])
  expect(await client.getAuditableLog(did)).toHaveLength(2)
  await client.tombstone(did, key)
  await expect(client.getDocumentData(did)).rejects.toMatchObject({ status: 404 })
  await second.close()
})

test('its tables lie in a schema of their own', async () => {
  const directory = await start()
  const { rows } = await database.pool.query(
    `select table_schema from information_schema.tables where table_name = 'operations'`,
  )
  expect(rows).toEqual([{ table_schema: 'plc' }])
  await directory.close()
})

const cutOthers = `select pg_terminate_backend(pid) from pg_stat_activity
  where pid <> pg_backend_pid() and backend_type = 'client backend'`

test('connections cut by Postgres cost no process, and the next request is answered', async () => {
  let lines = ''
  const log = createLog({ level: 'warn', to: { write: (line) => void (lines += line) } })
  const directory = await startPlc({ databaseUrl: database.url, log })
  const { did } = await createDid(directory.url)
  const holder = await database.pool.connect()
  await holder.query('begin; lock table plc.operations in access exclusive mode')
  const client = new plcLib.Client(directory.url)
  // One connection is cut while it waits inside a transaction, the others while idle.
  const waiting = client.getDocumentData(did).catch((error: unknown) => error)
  const waits = `select 1 from pg_stat_activity where wait_event_type = 'Lock'`
  await expect.poll(async () => (await holder.query(waits)).rowCount).toBe(1)
  expect((await holder.query(cutOthers)).rowCount).toBeGreaterThan(0)
  expect(await waiting).toMatchObject({ status: 500 })
  await holder.query('rollback')
  holder.release()
  await expect.poll(() => client.getDocumentData(did).then(({ did: id }) => id)).toBe(did)
  expect(lines).toContain('plc lost a connection')
  expect(lines).not.toContain(new URL(database.url).password)
  await directory.close()
})

// A disk that takes its time, differently long for each, makes transactions overlap.
const slowDisk = `
  create function plc.wait() returns trigger language plpgsql as
    $$ begin perform pg_sleep(random() * 0.03); return null; end $$;
  create constraint trigger wait after insert on plc.operations
    deferrable initially deferred for each row execute function plc.wait()`

test('many identities made at one moment are all made', async () => {
  const directory = await start()
  await database.pool.query(slowDisk)
  const made = await Promise.all([...Array(100).keys()].map(() => createDid(directory.url)))
  expect(new Set(made.map(({ did }) => did)).size).toBe(100)
  await database.pool.query('drop function plc.wait cascade')
  await directory.close()
})

test('a port in use is an error that says so', async () => {
  const first = await start()
  const port = Number(new URL(first.url).port)
  const second = startPlc({ databaseUrl: database.url, port, log: silentLog })
  await expect(second).rejects.toThrow('EADDRINUSE')
  await first.close()
})
