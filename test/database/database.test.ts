import { Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { removeEmbedded } from '../../src/database/placement.ts'
import { isRetryable } from '../../src/database/pool.ts'
import { createLog, silentLog } from '../../src/log.ts'
import { eventually, postmasterPid } from './hold.ts'
import { type TempFolder, tempFolder } from './temp-folder.ts'

let folder: TempFolder
let database: Database

beforeAll(async () => {
  folder = tempFolder()
  database = await openDatabase({ dataDir: folder.path, log: silentLog, statementTimeoutMs: 400 })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  removeEmbedded(folder.path)
  folder.remove()
})

test('without a url the embedded database is opened, and says how it is', async () => {
  expect(database.kind).toBe('embedded')
  expect(await database.health()).toMatchObject({ ok: true, version: '18.4' })
})

test('a statement that takes too long is ended', async () => {
  await expect(database.pool.query('select pg_sleep(3)')).rejects.toMatchObject({ code: '57014' })
})

test('whole numbers beyond what JavaScript counts exactly stay exact', async () => {
  const { rows } = await database.pool.query('select 9007199254740993::int8 as n')
  expect(rows).toEqual([{ n: '9007199254740993' }])
})

test('with a url that database is used, and the log names the embedded one beside it', async () => {
  const lines: string[] = []
  const to = new Writable({
    write: (line, _, done) => {
      lines.push(String(line))
      done()
    },
  })
  const log = createLog({ level: 'warn', to })
  await using external = await openDatabase({ dataDir: folder.path, url: database.url, log })
  expect(external.kind).toBe('external')
  expect(await external.health()).toMatchObject({ ok: true })
  const said = lines.join('')
  expect(said).toContain(folder.path)
  expect(said).toContain(new URL(database.url).host)
  expect(said).not.toContain(new URL(database.url).password)
})

test('a database that cannot be reached is refused without showing its password', async () => {
  const url = 'postgres://me:hush@127.0.0.1:1/none'
  const refused = openDatabase({ dataDir: folder.path, url, log: silentLog })
  const error: unknown = await refused.catch((reason: unknown) => reason)
  expect(String(error)).toMatch(/me@127.0.0.1:1\/none cannot be used/)
  expect(String(error)).not.toContain('hush')
})

test('a lost server is reported, survived, and reported well again', async () => {
  // Lent out: the pool itself does not listen to this connection.
  const lent = await database.pool.connect()
  const pid = postmasterPid(`${folder.path}/postgres/pg18`)
  process.kill(pid, 'SIGKILL')
  const error = await lent.query('select pg_sleep(0.3)').catch((reason: unknown) => reason)
  expect(isRetryable(error)).toBe(true)
  expect(await database.health()).toEqual({ ok: false })
  lent.release(true)
  await eventually(async () => expect(await database.health()).toMatchObject({ ok: true }))
})

test('closing does not wait for ever for a connection that nobody returned', async () => {
  const { url } = database
  const external = await openDatabase({ dataDir: folder.path, url, log: silentLog })
  const lent = await external.pool.connect()
  const began = performance.now()
  await external[Symbol.asyncDispose]()
  await external[Symbol.asyncDispose]()
  expect(performance.now() - began).toBeLessThan(6000)
  lent.release(true)
})
