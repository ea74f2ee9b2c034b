import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SqlPool } from '../../src/database/sql.ts'
import { openJobs } from '../../src/jobs/jobs.ts'
import { silentLog } from '../../src/log.ts'
import { eventually } from '../eventually.ts'
import { type Items } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'

type Alert = { uri: string; state: string; nextStates: string[] }

const parts = new AsyncDisposableStack()
let node: TestNode
let ada: Person
let cleo: Person
let dora: Person
let club: string
let pump: string
let alert: Alert

beforeAll(async () => {
  node = parts.use(await startNetwork()).nodes[0]!
  const people = ['ada', 'cleo', 'dora'].map((n) => createPerson(node.url, `${n}.node1.test`))
  ;[ada, cleo, dora] = (await Promise.all(people)) as [Person, Person, Person]
  const founded = { name: 'Back Room', visibility: 'invite_only' }
  club = (await ada.call<{ did: string }>(`${SPACES}.createSpace`, founded)).did
  for (const [who, role] of [
    [cleo, 'member'],
    [dora, 'moderator'],
  ] as const) {
    const wish = { space: club, role }
    const { token } = await ada.call<{ token: string }>(`${SPACES}.createInvitation`, wish)
    await who.call(`${SPACES}.join`, { space: club, inviteToken: token })
  }
  const wish = {
    space: club,
    name: 'pump',
    channelType: 'monitoring',
    reportType: 'equipment_status',
    feedConfiguration: { feedSource: 'https://meters.example/pump', refreshInterval: 900 },
  }
  pump = (await ada.call<{ uri: string }>(`${SPACES}.createChannel`, wish)).uri
  const limit = { key: 'hot', figure: 'degrees', op: '>', limit: 80, level: 'critical' }
  await put('channelRules', { channel: pump, alertThresholds: [limit] }, pump.split('/').at(-1))
})
afterAll(() => parts.disposeAsync())

const put = (kind: string, record: object, rkey?: string, who = ada) =>
  who.call<{ uri: string }>(`${SPACES}.putRecord`, {
    space: club,
    collection: `${SPACES}.${kind}`,
    record: { createdAt: new Date().toISOString(), ...record },
    ...(rkey && { rkey }),
  })
const alertsFor = async (who: Person, more: object = {}) =>
  (await who.get<Items<Alert>>(`${SPACES}.listChannelAlerts`, { space: club, ...more })).items
const step = (who: Person, name: string, more: object = {}) =>
  who.call<Alert>(`${SPACES}.${name}`, { uri: alert.uri, ...more })

test('a report that passes a limit raises an alert for the staff, and its managers are told', async () => {
  const figures = [{ name: 'degrees', amount: 95 }]
  await put('channelReport', { channel: pump, title: 'Noon', figures })
  const pool = new pg.Pool({ connectionString: node.databaseUrl, max: 2 })
  await using jobs = await openJobs({ pool: pool as unknown as SqlPool, log: silentLog })
  await jobs.transact((_tx, queue) => queue({ queue: 'channel-alerts', key: 'now', data: {} }))
  await eventually(async () => expect(await alertsFor(dora)).toHaveLength(1))
  await jobs[Symbol.asyncDispose]()
  await pool.end()
  alert = (await alertsFor(ada, { state: 'open', level: 'critical', channel: pump }))[0]!
  expect(alert).toMatchObject({
    state: 'open',
    figure: 'degrees',
    amount: 95,
    threshold: 'hot',
    nextStates: ['acknowledged', 'resolved'],
  })
  expect(await alertsFor(cleo)).toEqual([])
  const told = 'co.kendev.platform.listNotifications'
  const kind = { kind: 'channelAlert', title: 'pump: degrees is 95', subject: alert.uri }
  await eventually(async () =>
    expect((await ada.get<Items<object>>(told)).items).toMatchObject([kind]),
  )
  expect((await dora.get<Items<object>>(told)).items).toEqual([])
})

test('the staff acknowledges and resolves it, and it never goes back', async () => {
  for (const name of ['acknowledgeAlert', 'resolveAlert'])
    await expect(step(cleo, name)).rejects.toMatchObject({ error: 'NotFound' })
  expect(await step(dora, 'acknowledgeAlert', { note: 'On my way' })).toMatchObject({
    state: 'acknowledged',
    acknowledgedBy: dora.did,
    note: 'On my way',
    nextStates: ['resolved'],
  })
  expect(await step(ada, 'acknowledgeAlert')).toMatchObject({ acknowledgedBy: dora.did })
  expect(await step(ada, 'resolveAlert')).toMatchObject({
    state: 'resolved',
    acknowledgedBy: dora.did,
    resolvedBy: ada.did,
    nextStates: [],
  })
  await expect(step(dora, 'acknowledgeAlert')).rejects.toMatchObject({ error: 'InvalidTransition' })
  expect(await alertsFor(dora, { state: 'open' })).toEqual([])
})

test('nobody moves an alert by writing its record', async () => {
  const { report } = (await ada.get(`${SPACES}.getChannelAlert`, { uri: alert.uri })) as {
    report: string
  }
  const about = { channel: pump, report, threshold: 'hot', figure: 'degrees', level: 'info' }
  const rkey = alert.uri.split('/').at(-1)
  for (const [state, at] of [
    ['open', rkey],
    ['acknowledged', rkey],
    ['resolved', undefined],
  ] as const)
    await expect(put('channelAlert', { ...about, state }, at)).rejects.toMatchObject({
      error: 'InvalidTransition',
    })
  const { uri } = await put('channelAlert', { ...about, state: 'open' }, undefined, dora)
  expect(await ada.get(`${SPACES}.getChannelAlert`, { uri })).toMatchObject({ state: 'open' })
})
