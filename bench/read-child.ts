import { readFile, readdir } from 'node:fs/promises'
import http from 'node:http'
import { createServer } from '@atproto/xrpc-server'
import pg from 'pg'
import { co } from '../src/lexicons/index.ts'
import { startNetwork } from '../test/network.ts'
import { freePort } from '../test/node-process.ts'
import { createPerson } from '../test/person.ts'
import { MESSAGES, PAGE } from './messages.ts'

/** What the parent needs to read from this process. */
export type ReadTarget = {
  origin: string
  token?: string
  message: { uri: string; space: string; channel: string; view: object; page: object }
  memory?: { nodeMb: number; databaseMb: number }
}

const COLUMNS = `select column_name as name from information_schema.columns
  where table_schema = 'appview' and table_name = 'message' and is_generated = 'NEVER'`

await using parts = new AsyncDisposableStack()
const stopped = new Promise((resolve) => process.once('disconnect', resolve))
if (process.argv[2] === 'bare') process.send!(await serveBare(JSON.parse(process.argv[3]!)))
else process.send!(await serveNode())
await stopped

/** The least an XRPC query costs: the same answers from memory, without asking who reads. */
async function serveBare(message: ReadTarget['message']): Promise<ReadTarget> {
  const server = createServer([], { validateResponse: false })
  const from = (body: object) => ({
    handler: async () => ({ encoding: 'application/json', body }),
  })
  server.add(co.kendev.spaces.getMessage, from(message.view) as never)
  server.add(co.kendev.spaces.listMessages, from(message.page) as never)
  const port = await freePort()
  const listening = http.createServer(server.router).listen(port, '127.0.0.1')
  parts.defer(() => void listening.close())
  return { origin: `http://127.0.0.1:${port}`, message }
}

async function serveNode(): Promise<ReadTarget> {
  const network = parts.use(await startNetwork())
  const node = network.nodes[0]!
  const memory = await memoryAtRest(node.dataDir)
  const origin = node.url.replace('localhost', '127.0.0.1')
  const ada = await createPerson(origin, 'ada.node1.test')
  const space = await ada.call<{ did: string }>('co.kendev.spaces.createSpace', { name: 'Bench' })
  const { items } = await ada.get<{ items: { uri: string }[] }>('co.kendev.spaces.listChannels', {
    space: space.did,
  })
  const channel = items[0]!.uri
  const sent = await ada.call<{ uri: string; message: object }>('co.kendev.spaces.sendMessage', {
    space: space.did,
    channel,
    text: 'The lift is free on Friday, and the caliper has come in. See you at nine?',
  })
  await fill(node.databaseUrl, sent.uri)
  const page = await ada.get<object>('co.kendev.spaces.listMessages', {
    space: space.did,
    limit: String(PAGE),
  })
  const message = { uri: sent.uri, space: space.did, channel, view: sent.message, page }
  return { origin, token: ada.token, message, memory }
}

/** Multiplies one indexed message, a minute apart into the past; only the reading is measured. */
async function fill(databaseUrl: string, uri: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(COLUMNS)
    const columns = rows.map(({ name }) => `"${name}"`)
    const values = columns.map((name) => {
      if (name === '"uri"') return `left(uri, -13) || lpad(n::text, 13, 'a')`
      if (name === '"rkey"') return `lpad(n::text, 13, 'a')`
      return name === '"sentAt"' ? `"sentAt" - n * interval '1 minute'` : name
    })
    await client.query(
      `insert into appview.message (${columns.join(', ')})
       select ${values.join(', ')} from appview.message, generate_series(1, ${MESSAGES - 1}) n
       where uri = $1`,
      [uri],
    )
    await client.query('vacuum analyze appview.message')
  } finally {
    await client.end()
  }
}

/** Resident memory of this process, and of its database with shared pages counted once (PSS). */
async function memoryAtRest(dataDir: string): Promise<ReadTarget['memory']> {
  globalThis.gc?.()
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  let databaseKb = 0
  for (const pid of pids) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (!line.includes(dataDir) && !line.startsWith('postgres')) continue
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    if (Number(pid) !== process.pid) databaseKb += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
  }
  const nodeMb = Math.round(process.memoryUsage.rss() / 1e6)
  return { nodeMb, databaseMb: Math.round(databaseKb / 1e3) }
}
