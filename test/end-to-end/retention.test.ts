import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SqlPool } from '../../src/database/sql.ts'
import { openJobs } from '../../src/jobs/jobs.ts'
import { silentLog } from '../../src/log.ts'
import { eventually } from '../eventually.ts'
import { type ForeignPds, startForeignPds } from '../foreign-pds.ts'
import { type Garage, type Items, type Said, foundGarage } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { subscribe } from '../subscriber.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'

type Archived = Said & { archived?: boolean }

const parts = new AsyncDisposableStack()
let node: TestNode
let foreign: ForeignPds
let ada: Person
let cleo: Person
let garage: Garage
let pool: pg.Pool
let runs = 0

beforeAll(async () => {
  node = parts.use(await startNetwork()).nodes[0]!
  foreign = parts.use(await startForeignPds(node.plcUrl))
  ada = await createPerson(node.url, 'ada.node1.test')
  cleo = await createPerson(node.url, 'cleo.node1.test')
  garage = await foundGarage(node.url, ada)
  await cleo.call(`${SPACES}.join`, { space: garage.did })
  pool = new pg.Pool({ connectionString: node.databaseUrl, max: 2 })
  parts.defer(() => pool.end())
})
afterAll(() => parts.disposeAsync())

/** The daily job, before its hour. */
async function retire(): Promise<void> {
  await using jobs = await openJobs({ pool: pool as unknown as SqlPool, log: silentLog })
  const job = { queue: 'retention', key: String((runs += 1)), data: {} }
  await jobs.transact((_tx, queue) => queue(job))
}

async function channelOf(space: string, dataRetention: object): Promise<string> {
  const wish = { space, name: 'desk', dataRetention }
  return (await ada.call<{ uri: string }>(`${SPACES}.createChannel`, wish)).uri
}

const list = async (who: Person, space: string, more: object) =>
  (await who.get<Items<Archived>>(`${SPACES}.listMessages`, { space, ...more })).items

test('the job puts away what is old, and it leaves the list, the search and the figures of unread', async () => {
  const space = garage.did
  const channel = await channelOf(space, { archiveAfter: 0 })
  const sent = { space, channel, text: 'An oil filter' }
  const { uri } = await cleo.call<{ uri: string }>(`${SPACES}.sendMessage`, sent)
  await retire()
  await eventually(async () => expect(await list(ada, space, { channel })).toEqual([]))
  const away = await list(ada, space, { channel, archived: true })
  expect(away).toMatchObject([{ uri, archived: true }])
  const found = async (more: object) => {
    const asked = { space, q: 'filter', ...more }
    return (await ada.get<Items<Said>>(`${SPACES}.searchMessages`, asked)).items.length
  }
  expect([await found({}), await found({ archived: true })]).toEqual([0, 1])
  expect(await anybodyGet(node.url, `${SPACES}.getMessage`, { uri })).toMatchObject({
    archived: true,
  })
  const listener = subscribe(node.url, space)
  await listener.until((told) => told.some((one) => one['uri'] === uri), 'the message')
  expect(listener.told.find((one) => one['uri'] === uri)?.kind).toBe('#deleted')
  await listener.close()
  const { items } = await ada.get<Items<{ channel?: string; unread: number }>>(
    `${SPACES}.getUnread`,
    { space },
  )
  expect(items.find((item) => item.channel === channel)).toMatchObject({ unread: 0 })
})

test('the job deletes from the repos of this node, those of guests included, and says so', async () => {
  const ben = await createPerson(foreign.url, 'ben.foreign.test')
  const founded = { name: 'Back Room', visibility: 'invite_only' }
  const { did: club } = await ada.call<{ did: string }>(`${SPACES}.createSpace`, founded)
  const { token } = await ada.call<{ token: string }>(`${SPACES}.createInvitation`, { space: club })
  const proxy = { proxy: node.service }
  await ben.call(`${SPACES}.join`, { space: club, inviteToken: token }, proxy)
  const [room, desk] = [
    await channelOf(club, { deleteAfter: 0 }),
    await channelOf(garage.did, { deleteAfter: 0 }),
  ]
  await ben.call(`${SPACES}.sendMessage`, { space: club, channel: room, text: 'From afar' }, proxy)
  const sent = { space: garage.did, channel: desk, text: 'In public' }
  const { uri } = await cleo.call<{ uri: string }>(`${SPACES}.sendMessage`, sent)
  await retire()
  await eventually(async () => {
    expect(await list(ada, club, { channel: room })).toEqual([])
    expect(await list(ada, garage.did, { channel: desk })).toEqual([])
  })
  const [, , repo, collection, rkey] = uri.split('/')
  const record = anybodyGet(node.url, 'com.atproto.repo.getRecord', { repo, collection, rkey })
  await expect(record).rejects.toMatchObject({ error: 'RecordNotFound' })
  await eventually(async () => {
    const { rows: left } = await pool.query(
      'select 1 from repo.record where did = $1 and collection = $2',
      [ben.did, `${SPACES}.message`],
    )
    expect(left).toEqual([])
    const { rows: told } = await pool.query(
      'select actor from node."auditEvent" where chain = any($1) and action = $2',
      [[club, garage.did], 'deleteByRetention'],
    )
    expect(told).toHaveLength(2)
  })
})

test('a moderator takes a message out of sight, and a member cannot', async () => {
  const channel = await channelOf(garage.did, {})
  const sent = { space: garage.did, channel, text: 'Spam' }
  const { uri } = await cleo.call<{ uri: string }>(`${SPACES}.sendMessage`, sent)
  const put = (who: Person) =>
    who.call<{ uri: string }>(`${SPACES}.putRecord`, {
      space: garage.did,
      collection: `${SPACES}.retirement`,
      record: { entry: uri, channel, state: 'deleted', createdAt: new Date().toISOString() },
    })
  await expect(put(cleo)).rejects.toMatchObject({ error: 'Forbidden' })
  const word = await put(ada)
  await expect(cleo.get(`${SPACES}.getMessage`, { uri })).rejects.toMatchObject({
    error: 'NotFound',
  })
  const rkey = word.uri.split('/').at(-1)
  const at = { space: garage.did, collection: `${SPACES}.retirement`, rkey }
  await ada.call(`${SPACES}.deleteRecord`, at)
  expect(await cleo.get(`${SPACES}.getMessage`, { uri })).toMatchObject({ text: 'Spam' })
})
