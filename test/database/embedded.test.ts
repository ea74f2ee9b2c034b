import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { startEmbedded } from '../../src/database/embedded.ts'
import { removeEmbedded } from '../../src/database/placement.ts'
import { isRetryable, openPool } from '../../src/database/pool.ts'
import { findPostmaster } from '../../src/database/running-postmaster.ts'
import { silentLog as log } from '../../src/log.ts'
import { ask, eventually, hold, postmasterPid } from './hold.ts'
import { tempFolder } from './temp-folder.ts'

const cleanUps: (() => unknown)[] = []

afterEach(async () => {
  for (const clean of cleanUps.splice(0).toReversed()) await clean()
})

function newNode() {
  const folder = tempFolder()
  const dataDir = folder.path
  const data = join(dataDir, 'postgres/pg18')
  cleanUps.push(
    () => folder.remove(),
    () => removeEmbedded(dataDir),
  )
  // Whatever a failing test left behind is opened, which adopts it, and closed.
  cleanUps.push(async () => {
    if (findPostmaster(data)) await (await startEmbedded({ dataDir, log })).stop()
  })
  const start = async () => {
    const server = await startEmbedded({ dataDir, log })
    cleanUps.push(() => server.stop())
    return server
  }
  const startElsewhere = async () => {
    const holder = await hold(dataDir)
    cleanUps.push(() => holder.kill())
    return holder
  }
  return { dataDir, data, start, startElsewhere }
}

async function store(url: string, from: number, to: number): Promise<void> {
  await ask(url, 'create table if not exists kept (id int primary key)')
  await ask(url, `insert into kept select generate_series(${from}, ${to})`)
}

const rows = async (url: string) => (await ask(url, 'select count(*)::int as n from kept'))[0]?.n

test('the first start makes a durable database that a later start opens again', async () => {
  const node = newNode()
  const first = await node.start()
  expect(first.adopted).toBe(false)
  await store(first.url, 1, 100)
  const settings = ['fsync', 'data_checksums', 'listen_addresses', 'server_encoding', 'TimeZone']
  const shown = settings.map((name) => `current_setting('${name}')`).join(", ' ', ")
  const [row] = await ask(first.url, `select concat(${shown}) as text`)
  expect(row?.text).toBe('on on 127.0.0.1 UTF8 UTC')
  await first.stop()
  expect(findPostmaster(node.data)).toBeUndefined()

  const second = await node.start()
  expect(second.adopted).toBe(false)
  expect(await rows(second.url)).toBe(100)
})

test('nobody gets in without the password', async () => {
  const { url } = await newNode().start()
  const wrong = new URL(url)
  wrong.password = 'wrong'
  await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
})

test('two processes that start at once on an empty folder share one database', async () => {
  const node = newNode()
  const [one, two] = await Promise.all([node.startElsewhere(), node.startElsewhere()])
  expect(one.adopted).not.toBe(two.adopted)
  expect(one.url).toBe(two.url)
  await store(one.url, 1, 10)
  expect(await rows(two.url)).toBe(10)
})

test('of several processes the last that leaves stops the server', async () => {
  const node = newNode()
  const one = await node.startElsewhere()
  const two = await node.startElsewhere()
  await one.stop()
  await ask(two.url, 'select 1')
  await two.stop()
  expect(findPostmaster(node.data)).toBeUndefined()
})

test('a server that a killed process left is adopted, and stopped by its new owner', async () => {
  const node = newNode()
  const killed = await node.startElsewhere()
  await store(killed.url, 1, 10)
  const pid = postmasterPid(node.data)
  await killed.kill()

  const heir = await node.start()
  expect(heir.adopted).toBe(true)
  expect(heir.url).toBe(killed.url)
  expect(postmasterPid(node.data)).toBe(pid)
  expect(await rows(heir.url)).toBe(10)
  await heir.stop()
  expect(findPostmaster(node.data)).toBeUndefined()
})

test('a killed server comes back at the same address with every acknowledged row', async () => {
  const node = newNode()
  const server = await node.start()
  await ask(server.url, 'create table kept (id int primary key)')
  const pool = openPool({ url: server.url, max: 4, log })
  // A connection that is lent out when the server dies must not take the process with it.
  const lent = await pool.connect()
  let acknowledged = 0
  let killed = false
  for (let id = 1; id <= 300; id++) {
    await eventually(async () => {
      await pool
        .query('insert into kept values ($1) on conflict do nothing', [id])
        .catch((error) => {
          if (!isRetryable(error)) throw new Error('the pool called it final', { cause: error })
          throw error
        })
    })
    acknowledged = id
    if (id === 150) {
      process.kill(postmasterPid(node.data), 'SIGKILL')
      killed = true
    }
  }
  expect({ killed, acknowledged }).toEqual({ killed: true, acknowledged: 300 })
  expect(await rows(server.url)).toBe(300)
  lent.release(true)
  await pool.end()
})

test('a server whose port was taken while it was down comes back on that port only', async () => {
  const node = newNode()
  const server = await node.start()
  await store(server.url, 1, 10)
  const thief = createServer((socket) => socket.destroy())
  await eventually(async () => {
    // The server is back within moments: it is killed again until the thief was quicker.
    const pid = findPostmaster(node.data)?.pid
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
    thief.listen(Number(new URL(server.url).port), '127.0.0.1')
    await once(thief, 'listening')
  })
  const port = Number(new URL(server.url).port)
  for (let looks = 0; looks < 20; looks++) {
    await sleep(50)
    // One that is just about to find its port taken may be there for a moment.
    expect(findPostmaster(node.data)?.port || port).toBe(port)
  }
  await expect(rows(server.url)).rejects.toBeInstanceOf(Error)
  thief.close()
  expect(await eventually(() => rows(server.url))).toBe(10)
})

test('a process that shares the server brings it back after its starter is gone', async () => {
  const node = newNode()
  const starter = await node.startElsewhere()
  const other = await node.start()
  await store(other.url, 1, 10)
  await starter.kill()
  process.kill(postmasterPid(node.data), 'SIGKILL')
  expect(await eventually(() => rows(other.url))).toBe(10)
})

test('after both the process and the server were killed the next start recovers', async () => {
  const node = newNode()
  const killed = await node.startElsewhere()
  await store(killed.url, 1, 500)
  const pid = postmasterPid(node.data)
  await killed.kill()
  process.kill(pid, 'SIGKILL')

  const next = await node.start()
  expect(next.adopted).toBe(false)
  expect(await rows(next.url)).toBe(500)
})

test('a busy query that outlives its killed server does not keep the database closed', async () => {
  const node = newNode()
  const killed = await node.startElsewhere()
  await store(killed.url, 1, 10)
  const endless = 'select count(*) from generate_series(1, 1000000000) a where a % 7 = 3'
  const busy = ask(killed.url, endless).catch((error: unknown) => error)
  await sleep(300)
  const pid = postmasterPid(node.data)
  await killed.kill()
  process.kill(pid, 'SIGKILL')

  const next = await node.start()
  expect(await rows(next.url)).toBe(10)
  expect(await busy).toBeInstanceOf(Error)
})

test('Ctrl-C, which reaches the whole process group, leaves the server to its owner', async () => {
  const node = newNode()
  const owner = await node.startElsewhere()
  const pid = postmasterPid(node.data)
  process.kill(-owner.pid, 'SIGINT')
  await sleep(300)
  expect(await ask(owner.url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(postmasterPid(node.data)).toBe(pid)
})

test('stopping does not wait for clients that stay connected', async () => {
  const node = newNode()
  const server = await node.start()
  const client = new pg.Client(server.url)
  const lost = new Promise((resolve) => client.on('error', resolve))
  await client.connect()
  const began = performance.now()
  await server.stop()
  expect(performance.now() - began).toBeLessThan(4000)
  expect(await lost).toMatchObject({ code: '57P01' })
})

test('a running database cannot be removed', async () => {
  const node = newNode()
  await node.start()
  expect(() => removeEmbedded(node.dataDir)).toThrow(/still runs/)
})
