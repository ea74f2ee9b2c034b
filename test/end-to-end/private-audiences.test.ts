import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { eventually } from '../eventually.ts'
import { type ForeignPds, startForeignPds } from '../foreign-pds.ts'
import { type Garage, type Items, type Said, foundGarage } from '../garage.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { type Person, anybodyGet, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'

const parts = new AsyncDisposableStack()
let node: TestNode
let foreign: ForeignPds
let ada: Person
let cleo: Person
let dora: Person
let garage: Garage
let club: string

beforeAll(async () => {
  const network = parts.use(await startNetwork())
  node = network.nodes[0]!
  foreign = parts.use(await startForeignPds(node.plcUrl))
  const people = ['ada', 'cleo', 'dora'].map((n) => createPerson(node.url, `${n}.node1.test`))
  ;[ada, cleo, dora] = (await Promise.all(people)) as [Person, Person, Person]
  garage = await foundGarage(node.url, ada)
  const founded = { name: 'Back Room', visibility: 'invite_only' }
  club = (await ada.call<{ did: string }>(`${SPACES}.createSpace`, founded)).did
  await join(cleo, 'member')
  await join(dora, 'moderator')
})
afterAll(() => parts.disposeAsync())

async function join(who: Person, role: string, more: object = {}): Promise<void> {
  const wish = { space: club, role }
  const { token } = await ada.call<{ token: string }>(`${SPACES}.createInvitation`, wish)
  await who.call(`${SPACES}.join`, { space: club, inviteToken: token }, more)
}

async function said(who: Person): Promise<string[]> {
  const { items } = await who.get<Items<Said>>(`${SPACES}.listMessages`, { space: club })
  return items.map(({ text }) => text ?? '').toSorted()
}

test('what is said in a channel of the staff shows to the staff only, also in figures', async () => {
  const wish = { space: club, name: 'wages', audience: 'staff' }
  const wages = await ada.call<{ uri: string; audience: string }>(`${SPACES}.createChannel`, wish)
  expect(wages.audience).toBe('staff')
  await ada.call(`${SPACES}.sendMessage`, { space: club, text: 'For all.' })
  const sent = { space: club, channel: wages.uri, text: 'A raise for Cleo?' }
  const { uri } = await dora.call<{ uri: string }>(`${SPACES}.sendMessage`, sent)
  expect(uri).toContain('/staff/')
  expect(await said(dora)).toEqual(['A raise for Cleo?', 'For all.'])
  expect(await said(cleo)).toEqual(['For all.'])
  for (const call of [
    () => cleo.get(`${SPACES}.getMessage`, { uri }),
    () => cleo.get(`${SPACES}.getChannel`, { uri: wages.uri }),
    () => cleo.call(`${SPACES}.sendMessage`, { ...sent, text: 'May I?' }),
    () =>
      cleo.call(`${SPACES}.addReaction`, { space: club, subject: { uri, cid: CID }, emoji: '👀' }),
  ])
    await expect(call()).rejects.toMatchObject({ error: 'NotFound' })
  const { stats } = await cleo.get<{ stats: object }>(`${SPACES}.getSpace`, { space: club })
  expect(stats).toMatchObject({ messageCount: 1 })
})

const CID = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'

test('a draft is for the staff, and public once it is published, under either uri', async () => {
  const post = { title: 'Winter tyres', createdAt: '2026-11-23T10:00:00Z' }
  const collection = 'co.kendev.content.post'
  const put = (status: string) =>
    ada.call<{ uri: string }>(`${SPACES}.putRecord`, {
      space: garage.did,
      collection,
      rkey: '3m6bkl2222222',
      record: { ...post, status },
    })
  const draft = await put('draft')
  const get = (who?: Person) =>
    who
      ? who.get('co.kendev.content.getPost', { uri: draft.uri })
      : anybodyGet(node.url, 'co.kendev.content.getPost', { uri: draft.uri })
  expect(draft.uri).toContain('/staff/')
  expect(await get(ada)).toMatchObject({ status: 'draft', uri: draft.uri })
  await expect(get()).rejects.toMatchObject({ error: 'NotFound' })
  await expect(get(cleo)).rejects.toMatchObject({ error: 'NotFound' })
  const published = await put('published')
  expect(published.uri).toBe(`at://${garage.did}/${collection}/3m6bkl2222222`)
  expect(await get()).toMatchObject({ status: 'published', uri: published.uri })
  const sql = new pg.Client({ connectionString: node.databaseUrl })
  await sql.connect()
  const left = await sql.query('select 1 from repo.record where collection = $1', [collection])
  await sql.end()
  expect(left.rows).toEqual([])
})

test('what managers note about a member is for managers only', async () => {
  const record = { subject: cleo.did, notes: 'Pays late.', createdAt: '2026-11-23T10:00:00Z' }
  const at = { space: club, collection: `${SPACES}.memberCrm`, rkey: cleo.did, record }
  await expect(dora.call(`${SPACES}.putRecord`, at)).rejects.toMatchObject({ error: 'Forbidden' })
  const { uri } = await ada.call<{ uri: string }>(`${SPACES}.putRecord`, at)
  expect(await ada.get(`${SPACES}.getMemberCrm`, { uri })).toMatchObject({ notes: 'Pays late.' })
  for (const who of [cleo, dora]) {
    await expect(who.get(`${SPACES}.getMemberCrm`, { uri })).rejects.toMatchObject({
      error: 'NotFound',
    })
    const listed = await who.get<Items<object>>(`${SPACES}.listMemberCrm`, { space: club })
    expect(listed.items).toEqual([])
  }
})

test('a suspended member reads and writes nothing until the space takes it back', async () => {
  const set = (status: string) =>
    dora.call(`${SPACES}.updateMember`, { space: club, member: cleo.did, status })
  await set('suspended')
  expect(await said(cleo)).toEqual([])
  await expect(cleo.get(`${SPACES}.getSpace`, { space: club })).rejects.toMatchObject({
    error: 'NotFound',
  })
  await set('active')
  expect(await said(cleo)).toEqual(['For all.'])
  const promote = { space: club, member: cleo.did, role: 'space_admin' }
  await expect(dora.call(`${SPACES}.updateMember`, promote)).rejects.toMatchObject({
    error: 'Forbidden',
  })
})

test('what somebody writes whose PDS has no permissioned repos is kept here in their name', async () => {
  const ben = await createPerson(foreign.url, 'ben.foreign.test')
  const proxy = { proxy: node.service }
  await join(ben, 'member', proxy)
  await ben.call(`${SPACES}.sendMessage`, { space: club, text: 'Hello from afar.' }, proxy)
  expect(await said(ada)).toContain('Hello from afar.')
  const sql = new pg.Client({ connectionString: node.databaseUrl })
  await sql.connect()
  const { rows } = await sql.query<{ source: string; evidence: { iss: string; lxm: string } }>(
    `select source, evidence from repo.repo join repo.record using (space, did)
     where did = $1 and collection = $2`,
    [ben.did, `${SPACES}.message`],
  )
  await sql.end()
  expect(rows).toMatchObject([
    { source: 'local', evidence: { iss: ben.did, lxm: `${SPACES}.sendMessage` } },
  ])
  await ben.call(`${SPACES}.leave`, { space: club }, proxy)
  await eventually(async () => expect(await said(ada)).not.toContain('Hello from afar.'))
})

test('a live stream is for readers, and ends for whoever may read no more', async () => {
  const open = (headers: Record<string, string>, audience = 'members') => {
    const query = new URLSearchParams({ space: club, audience, cursor: '0' })
    const origin = node.url.replace('http', 'ws')
    const url = `${origin}/xrpc/${SPACES}.subscribeMessages?${query.toString()}`
    const socket = new WebSocket(url, { headers })
    const frames: string[] = []
    socket.on('message', (data: Buffer) => frames.push(data.toString('latin1')))
    socket.on('error', () => undefined)
    const ended = new Promise<void>((resolve) => void socket.on('close', () => resolve()))
    return { frames, ended, close: () => socket.terminate() }
  }
  const bearer = (who: Person) => ({ authorization: `Bearer ${who.token}` })
  const nobody = open({})
  const tooMuch = open(bearer(cleo), 'managers')
  const member = open(bearer(cleo))
  await Promise.all([nobody.ended, tooMuch.ended])
  for (const { frames } of [nobody, tooMuch]) expect(frames.join()).not.toContain('For all.')
  await eventually(() => expect(member.frames.join()).toContain('For all.'))
  await ada.call(`${SPACES}.removeMember`, { space: club, member: cleo.did })
  await ada.call(`${SPACES}.sendMessage`, { space: club, text: 'Cleo is gone.' })
  await Promise.race([member.ended, sleep(10_000)])
  expect(member.frames.join()).not.toContain('Cleo is gone.')
  member.close()
})
