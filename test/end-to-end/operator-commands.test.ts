import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { quarantine } from '../../src/commands/quarantine.ts'
import { rebuild } from '../../src/commands/rebuild.ts'
import { verify } from '../../src/commands/verify.ts'
import { eventually } from '../eventually.ts'
import { type ForeignPds, startForeignPds } from '../foreign-pds.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'
import { runHere } from '../run-here.ts'

const SPACES = 'co.kendev.spaces'
let network: Awaited<ReturnType<typeof startNetwork>>
let node: TestNode
let foreign: ForeignPds
let ada: Person
let space: string

beforeAll(async () => {
  network = await startNetwork(1)
  node = network.nodes[0]!
  foreign = await startForeignPds(node.plcUrl)
  ada = await createPerson(node.url, 'ada.node1.test')
  const founded = await ada.call<{ did: string }>(`${SPACES}.createSpace`, {
    name: 'Corner Garage',
    channels: [{ name: 'general' }],
  })
  space = founded.did
  for (const text of ['Hello', 'Is the lift free?']) {
    await ada.call(`${SPACES}.sendMessage`, { space, channel: await channel(), text })
  }
  vi.stubEnv('ANGELOS_DATA_DIR', node.dataDir)
  vi.stubEnv('ANGELOS_PORT', new URL(node.url).port)
  vi.stubEnv('ANGELOS_NAME', 'node1')
  vi.stubEnv('ANGELOS_PLC_URL', node.plcUrl)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await foreign?.[Symbol.asyncDispose]()
  await network?.[Symbol.asyncDispose]()
})

test('a record and a repo are proved from their PDS, and one that is not there is not', async () => {
  const [message] = (await messages()).items
  const one = await runHere(verify, [message!.uri, '--json'])
  expect(one.code).toBe(0)
  expect(JSON.parse(one.stdout)).toMatchObject({ proved: true, cid: message!.cid, pds: node.url })
  const whole = await runHere(verify, [ada.did, '--json'])
  expect(JSON.parse(whole.stdout)).toMatchObject({
    proved: true,
    records: { [`${SPACES}.message`]: 2 },
  })
  const gone = await runHere(verify, ['did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', '--json'])
  expect([gone.code, JSON.parse(gone.stdout)]).toMatchObject([1, { reason: 'NoIdentity' }])
})

test('beside the running node, what is refused is listed and judged again', async () => {
  const { uri, cid } = await ada.create('co.kendev.actor.profile', { displayName: 'Ada' }, 'self')
  const shown = () => database<{ n: number }>('select count(*)::int as n from appview.profile')
  await eventually(async () => expect(await shown()).toEqual([{ n: 1 }]))
  await database(
    `update appview.record set reason = 'TooNew', detail = 'of another program' where cid = $1`,
    [cid],
  )
  await database('delete from appview.profile where uri = $1', [uri])
  const listed = await runHere(quarantine, ['list'])
  expect(listed.stdout).toContain(`TooNew             ${uri}`)
  const replayed = await runHere(quarantine, ['replay', '--reason', 'TooNew'])
  expect(replayed.stdout).toContain('1 records are shown now, 0 are still refused')
  expect(await shown()).toEqual([{ n: 1 }])
  const left = await runHere(quarantine, ['list', '--reason', 'TooNew', '--json'])
  expect(left.stdout).toBe('')
})

test('the views of a running node are compared with the repos, and put right without a pause', async () => {
  expect(await runHere(rebuild, ['--verify'])).toMatchObject({ code: 0 })
  await database(`update appview.message set text = 'Never said' where text = 'Hello'`)
  const compared = await runHere(rebuild, ['--verify'])
  expect(compared.code).toBe(1)
  expect(compared.stdout).toContain('Never said')
  expect((await texts()).toSorted()).toContain('Never said')

  const told: unknown[] = []
  let done = false
  const reading = (async () => {
    while (!done) told.push((await messages()).items.length)
  })()
  expect(await runHere(rebuild, [])).toMatchObject({ code: 0 })
  done = true
  await reading
  expect(new Set(told)).toEqual(new Set([2]))
  expect((await texts()).toSorted()).toEqual(['Hello', 'Is the lift free?'])
  await ada.call(`${SPACES}.sendMessage`, { space, channel: await channel(), text: 'On Friday' })
  expect(await texts()).toContain('On Friday')
})

test('repos of other hosts are kept as CARs, and served from them when their host is gone', async () => {
  const ben = await createPerson(foreign.url, 'ben.foreign.test')
  const request = { space, createdAt: new Date().toISOString() }
  const asked = await ben.create(`${SPACES}.membershipRequest`, request, space)
  await ben.call(`${SPACES}.join`, { space, ...asked }, { proxy: node.service })
  const said = { space, text: 'From elsewhere', createdAt: new Date().toISOString() }
  const message = await ben.create(`${SPACES}.message`, said)
  await eventually(async () => expect(await texts()).toContain('From elsewhere'))
  const cars = await mkdtemp(join(tmpdir(), 'angelos-cars-'))
  try {
    expect(await runHere(rebuild, ['--cars', cars])).toMatchObject({ code: 0 })
    expect(await readdir(cars)).toEqual([`${ben.did.replaceAll(':', '_')}.car`])
    await foreign[Symbol.asyncDispose]()
    const again = await runHere(rebuild, ['--cars', cars])
    expect(again.stdout).not.toContain('as the views had it')
    expect(again.code).toBe(0)
    const without = await runHere(rebuild, [])
    expect(without.stdout).toContain(`as the views had it: ${ben.did}, Unreachable`)
    const { items } = await messages()
    expect(items.map(({ uri }) => uri)).toContain(message.uri)
  } finally {
    await rm(cars, { recursive: true })
  }
})

function messages() {
  return anybodyGet<{ items: { uri: string; cid: string; text: string }[] }>(
    node.url,
    `${SPACES}.listMessages`,
    { space },
  )
}

async function texts(): Promise<string[]> {
  return (await messages()).items.map(({ text }) => text)
}

async function channel(): Promise<string> {
  const { items } = await anybodyGet<{ items: { uri: string }[] }>(
    node.url,
    `${SPACES}.listChannels`,
    { space },
  )
  return items[0]!.uri
}

async function database<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
  const client = new pg.Client({ connectionString: node.databaseUrl })
  await client.connect()
  try {
    return (await client.query<R>(text, values)).rows
  } finally {
    await client.end()
  }
}
