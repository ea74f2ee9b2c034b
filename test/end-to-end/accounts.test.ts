import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask } from '../browser.ts'
import { encodeFrame } from '../firehose/fake-repo.ts'
import { type Garage, type Ref, foundGarage, messageIn } from '../garage.ts'
import { createHostileAccount, joinAs } from '../hostile-account.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { CallError, type Person, anybodyGet, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'
const within = { timeout: 10_000 }

const parts = new AsyncDisposableStack()
let node: TestNode
let ada: Person
let ben: Person
let garage: Garage
let asked: Ref
let sql: pg.Client

beforeAll(async () => {
  const network = parts.use(await startNetwork())
  node = network.nodes[0]!
  sql = new pg.Client({ connectionString: node.databaseUrl })
  await sql.connect()
  parts.defer(() => sql.end())
  ada = await createPerson(node.url, `ada${node.handleDomain}`)
  ben = await createPerson(node.url, `ben${node.handleDomain}`)
  garage = await foundGarage(node.url, ada)
  await ben.call(`${SPACES}.join`, { space: garage.did })
  const profile = { displayName: 'Ben', createdAt: new Date().toISOString() }
  await ben.create('co.kendev.actor.profile', profile, 'self')
  const at = { space: garage.did, channel: garage.general }
  asked = await ada.call<Ref>(`${SPACES}.sendMessage`, { ...at, text: 'Who can help?' })
  const { uri, cid } = asked
  const subject = { uri, cid }
  const reply = { root: subject, parent: subject }
  await ben.call(`${SPACES}.sendMessage`, { ...at, text: 'I can.', reply })
  await ben.call(`${SPACES}.addReaction`, { space: garage.did, subject, emoji: '🔧' })
})
afterAll(() => parts.disposeAsync())

const get = (nsid: string, params: Record<string, unknown>) =>
  anybodyGet(node.url, nsid, params).catch((error: unknown) => {
    if (error instanceof CallError) return error.error
    throw error
  })

/** Everything anybody can see that Ben has a part in. */
async function seen() {
  const space = { space: garage.did }
  return {
    profile: await get('co.kendev.actor.getProfile', { actor: ben.did }),
    space: await get(`${SPACES}.getSpace`, space),
    channels: await get(`${SPACES}.listChannels`, space),
    members: await get(`${SPACES}.listMemberships`, space),
    messages: await get(`${SPACES}.listMessages`, space),
    thread: await get(`${SPACES}.getThread`, { uri: asked.uri }),
    found: await get(`${SPACES}.searchMessages`, { ...space, q: 'can' }),
  }
}

async function expectGone(): Promise<void> {
  await expect.poll(seen, within).toMatchObject({
    profile: 'NotFound',
    space: { stats: { memberCount: 1, messageCount: 1 } },
    channels: { items: [{ messageCount: 1 }] },
    messages: { items: [{ uri: asked.uri, replyCount: 0, reactions: [] }] },
    thread: { thread: { message: { replyCount: 0 }, replies: [] } },
    found: { items: [{ uri: asked.uri }] },
  })
  expect(JSON.stringify(await seen())).not.toContain(ben.did)
}

async function asAdmin(nsid: string, body: object): Promise<void> {
  const password = (await readFile(join(node.dataDir, 'keys', 'admin-password'), 'utf8')).trim()
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
  const headers = { authorization }
  const answer = await ask(`${node.url}/xrpc/${nsid}`, { method: 'POST', headers, body })
  expect(answer).toMatchObject({ status: 200 })
}

const setTakedown = (did: string, applied: boolean) =>
  asAdmin('com.atproto.admin.updateSubjectStatus', {
    subject: { $type: 'com.atproto.admin.defs#repoRef', did },
    takedown: { applied, ref: 'test' },
  })

test('what a member sends is there in the answer and in the next list, every time', async () => {
  const { uri } = asked
  for (let n = 0; n < 100; n++) {
    const text = `message ${n}`
    const sent = await ben.call<Ref & { message: object }>(`${SPACES}.sendMessage`, {
      space: garage.did,
      text,
    })
    expect(sent.message).toMatchObject({ uri: sent.uri, text })
    expect((await garage.messages())[0]).toMatchObject({ uri: sent.uri, text })
    await ben.call(`${SPACES}.deleteMessage`, { uri: sent.uri })
    expect((await garage.messages()).map((each) => each.uri)).not.toContain(sent.uri)
  }
  expect((await garage.messages()).at(-1)).toMatchObject({ uri })
}, 30_000)

test('a new handle shows wherever its account does, and the old one finds nobody', async () => {
  const handle = `benjamin${node.handleDomain}`
  await ben.call('com.atproto.identity.updateHandle', { handle })
  await expect.poll(seen, within).toMatchObject({
    profile: { did: ben.did, handle },
    messages: { items: [{ author: { did: ben.did, handle } }, {}] },
  })
  const profileOf = (actor: string) => get('co.kendev.actor.getProfile', { actor })
  expect(await profileOf(handle)).toMatchObject({ did: ben.did })
  expect(await profileOf(ben.handle)).toBe('NotFound')
  expect(JSON.stringify(await seen())).not.toContain(`"${ben.handle}"`)
})

test('a deactivated account takes everything of it along, and brings it all back', async () => {
  const before = await seen()
  await ben.call('com.atproto.server.deactivateAccount', {})
  await expectGone()
  await ben.call('com.atproto.server.activateAccount')
  await expect.poll(seen, within).toEqual(before)
})

test('an account taken down by the operator is hidden until that is lifted', async () => {
  const before = await seen()
  await setTakedown(ben.did, true)
  await expectGone()
  await setTakedown(ben.did, false)
  await expect.poll(seen, within).toEqual(before)
})

test('a deleted account is forgotten, and nothing of it comes back', async () => {
  await asAdmin('com.atproto.admin.deleteAccount', { did: ben.did })
  await expectGone()
  const { rows } = await sql.query('select 1 from appview.record where did = $1', [ben.did])
  expect(rows).toEqual([])
})

test('a frame that comes after the deletion of its account brings nothing back', async () => {
  await using mallory = await createHostileAccount(node.plcUrl)
  const { did, host, repo } = mallory
  expect(await joinAs(mallory, node, garage.did)).toMatchObject({ status: 200 })
  const tell = async (seq: number, rkey: string) => {
    const collection = `${SPACES}.message`
    const record = { $type: collection, ...messageIn(garage, `told as ${seq}`) }
    host.play(seq, await repo.write(seq, [{ action: 'create', collection, rkey, record }]))
  }
  const ends = { did, active: false, status: 'deleted', time: new Date().toISOString() }
  await tell(1, '3lw4qc3hq7c2v')
  await expect.poll(() => garage.messages(), within).toMatchObject([{ text: 'told as 1' }, {}])
  host.play(2, encodeFrame('#account', { seq: 2, ...ends }))
  await tell(3, '3lw4qc3hq7c2w')
  const cursor = async () => {
    const { rows } = await sql.query<{ cursor: string }>(
      'select cursor from appview.cursor where host = $1',
      [host.origin.replace('ws:', 'http:')],
    )
    return Number(rows[0]?.cursor)
  }
  await expect.poll(cursor, within).toBe(3)
  expect(await garage.messages()).toMatchObject([{ uri: asked.uri }])
  expect(await garage.stats()).toMatchObject({ memberCount: 1, messageCount: 1 })
  const { rows } = await sql.query('select rkey from appview.record where did = $1', [did])
  expect(rows).toEqual([])
})
