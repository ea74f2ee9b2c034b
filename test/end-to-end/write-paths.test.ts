import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startForeignPds } from '../foreign-pds.ts'
import { type Garage, type Ref, foundGarage, messageIn } from '../garage.ts'
import { moveAccount } from '../move.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { CallError, type Person, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'
const collection = `${SPACES}.message`
const RKEY = '3lw4qc3hq7c2v'
const OP = 'com.atproto.repo.applyWrites'

const parts = new AsyncDisposableStack()
let node: TestNode
let ada: Person
let garage: Garage
let sql: pg.Client

beforeAll(async () => {
  const network = parts.use(await startNetwork())
  node = network.nodes[0]!
  sql = new pg.Client({ connectionString: node.databaseUrl })
  await sql.connect()
  parts.defer(() => sql.end())
  ada = await createPerson(node.url, `ada${node.handleDomain}`)
  garage = await foundGarage(node.url, ada)
})
afterAll(() => parts.disposeAsync())

async function failureOf(attempt: Promise<unknown>): Promise<CallError> {
  const failure = await attempt.then(
    () => new Error('it was accepted'),
    (error: unknown) => error,
  )
  if (failure instanceof CallError) return failure
  throw failure
}

async function messagesInRepo(who: Person): Promise<unknown[]> {
  const { records } = await who.get<{ records: unknown[] }>('com.atproto.repo.listRecords', {
    repo: who.did,
    collection,
  })
  return records
}

async function keptReason({ uri }: Pick<Ref, 'uri'>): Promise<string | null | undefined> {
  const [did, nsid, rkey] = uri.slice('at://'.length).split('/')
  const { rows } = await sql.query<{ reason: string | null }>(
    'select reason from appview.record where did = $1 and collection = $2 and rkey = $3',
    [did, nsid, rkey],
  )
  return rows[0]?.reason
}

const nested = (levels: number): object => (levels === 0 ? {} : { in: nested(levels - 1) })

const paths: [string, (record: object) => [string, object]][] = [
  ['createRecord', (record) => ['createRecord', { collection, record }]],
  ['putRecord', (record) => ['putRecord', { collection, rkey: RKEY, record }]],
  [
    'applyWrites',
    (value) => ['applyWrites', { writes: [{ $type: `${OP}#create`, collection, value }] }],
  ],
]

test.each(paths)(
  '%s names the field that breaks its lexicon, and writes nothing',
  async (_, of) => {
    for (const validate of [undefined, true, false]) {
      for (const [field, wrong] of [
        ['$.text', { text: 'x'.repeat(30_001) }],
        ['$.attachments[0]', { attachments: [{ alt: 'a picture without a picture' }] }],
        ['$.createdAt', { createdAt: 'yesterday' }],
      ] as const) {
        const record = { $type: collection, ...messageIn(garage, 'Hello'), ...wrong }
        const [method, body] = of(record)
        const input = { repo: ada.did, validate, ...body }
        const refused = await failureOf(ada.call(`com.atproto.repo.${method}`, input))
        expect([refused.status, refused.error]).toEqual([400, 'InvalidRequest'])
        expect(refused.message).toContain(field)
      }
    }
    expect(await messagesInRepo(ada)).toEqual([])
  },
)

test('sendMessage refuses what no reader would be shown, before it is written', async () => {
  const { did: space } = garage
  for (const [error, says, wrong] of [
    ['InvalidRequest', 'text', { text: 'x'.repeat(30_001) }],
    ['InvalidRecord', 'NothingSaid', {}],
    ['InvalidRecord', 'text', { text: 'a\0b' }],
    ['InvalidRecord', 'NotARecord', { text: 'Hi', metadata: { weight: 1.5 } }],
    ['InvalidRecord', 'TooDeep', { text: 'Hi', metadata: nested(33) }],
    ['ReadOnlyField', 'replyCount', { text: 'Hi', replyCount: 99 }],
  ] as const) {
    const refused = await failureOf(ada.call(`${SPACES}.sendMessage`, { space, ...wrong }))
    expect([refused.status, refused.error]).toEqual([400, error])
    expect(refused.message).toContain(says)
  }
  expect(await messagesInRepo(ada)).toEqual([])
})

test('putRecord for a space refuses what breaks the lexicon, a rule or sets a figure', async () => {
  const createdAt = new Date().toISOString()
  const channel = { space: garage.did, createdAt }
  const space = { name: 'Corner Garage', createdAt }
  for (const [error, says, name, record] of [
    ['InvalidRecord', 'name', 'channel', channel],
    ['InvalidRecord', 'NotTheSpacesOwn', 'channel', { ...channel, name: 'x', space: ada.did }],
    ['InvalidRecord', 'NotPublic', 'space', { ...space, visibility: 'private' }],
    ['ReadOnlyField', 'memberCount', 'space', { ...space, memberCount: 1_000_000 }],
  ] as const) {
    const rkey = name === 'space' ? 'self' : undefined
    const refused = await failureOf(
      ada.call(`${SPACES}.putRecord`, {
        space: garage.did,
        collection: `${SPACES}.${name}`,
        rkey,
        record,
      }),
    )
    expect([refused.status, refused.error]).toEqual([400, error])
    expect(refused.message).toContain(says)
  }
  expect(await garage.stats()).toMatchObject({ memberCount: 1, channelCount: 1 })
})

test('a space is not founded with figures of its own, nor with what cannot be shown', async () => {
  for (const [error, wrong] of [
    ['ReadOnlyField', { memberCount: 1_000_000 }],
    ['InvalidRecord', { description: 'a\0b' }],
    ['InvalidRecord', { channels: [{ name: 'a\0b' }] }],
  ] as const) {
    const refused = await failureOf(ada.call(`${SPACES}.createSpace`, { name: 'Shed', ...wrong }))
    expect([refused.status, refused.error]).toEqual([400, error])
  }
  const { rows } = await sql.query('select handle from node."pendingSpace"')
  expect(rows).toHaveLength(1)
})

test('a method deletes records of its own kind only', async () => {
  const said = await ada.call<Ref>(`${SPACES}.sendMessage`, { space: garage.did, text: 'Stay' })
  const alike = said.uri.replace('.message/', '.reaction/')
  for (const [method, uri] of [
    ['removeReaction', said.uri],
    ['deleteMessage', alike],
  ]) {
    const refused = await failureOf(ada.call(`${SPACES}.${method}`, { uri }))
    expect([refused.status, refused.error]).toEqual([400, 'NotFound'])
  }
  expect(await garage.messages()).toMatchObject([{ uri: said.uri }])
  await ada.call(`${SPACES}.deleteMessage`, { uri: said.uri })
  expect(await garage.messages()).toEqual([])
})

test('text and dates that the database cannot hold are the caller’s error', async () => {
  const space = garage.did
  const cid = 'bafyreifmakho22qjptfycciab2gm6hyl4yeav7b2sp6us2ndotavqn4qgi'
  const subject = { uri: `at://${ada.did}/${collection}/${RKEY}\0`, cid }
  for (const attempt of [
    () => ada.get(`${SPACES}.searchMessages`, { space, q: 'a\0b' }),
    () => ada.get(`${SPACES}.getThread`, { uri: subject.uri }),
    () => ada.get(`${SPACES}.listSpaces`, { q: 'a\0b' }),
    () => ada.get(`${SPACES}.listMessages`, { space, since: '0000-01-01T00:00:00Z' }),
    () => ada.call(`${SPACES}.addReaction`, { space, subject, emoji: '🔧' }),
    () => ada.call(`${SPACES}.createSpace`, { name: 'Shed', idempotencyKey: 'a\0b' }),
  ]) {
    const refused = await failureOf(attempt())
    expect(refused.status, attempt.toString()).toBe(400)
  }
})

test('two records that change places in one batch are kept, here and in the views', async () => {
  const [first, second] = [messageIn(garage, 'First'), messageIn(garage, 'Second')]
  const one = await ada.create(collection, first)
  const other = await ada.create(collection, second)
  const update = (uri: string, value: object) => {
    return { $type: `${OP}#update`, collection, rkey: uri.split('/').at(-1), value }
  }
  await ada.call(OP, {
    repo: ada.did,
    writes: [update(one.uri, second), update(other.uri, first)],
  })
  const shown = async () => new Map((await garage.messages()).map(({ uri, text }) => [uri, text]))
  await expect.poll(shown).toEqual(
    new Map([
      [one.uri, 'Second'],
      [other.uri, 'First'],
    ]),
  )
  expect(await messagesInRepo(ada)).toHaveLength(2)
  for (const { uri } of [one, other]) await ada.call(`${SPACES}.deleteMessage`, { uri })
})

test('figures that a client claims in a record of its own are not shown', async () => {
  const claims = { replyCount: 99, admitted: false, reactions: [{ emoji: '🔧', count: 99 }] }
  const { uri } = await ada.create(collection, messageIn(garage, 'Believe me', claims))
  await expect
    .poll(() => garage.messages())
    .toMatchObject([{ uri, text: 'Believe me', replyCount: 0, reactions: [] }])
  await ada.call(`${SPACES}.deleteMessage`, { uri })
})

test('of an imported repo the good records are shown, and a bad one is kept as refused', async () => {
  await using foreign = await startForeignPds(node.plcUrl)
  const ben = await createPerson(foreign.url, 'ben.foreign.test')
  const good = await ben.create(collection, messageIn(garage, 'From my old home'))
  const bad = await ben.create(collection, messageIn(garage, 'x'.repeat(30_001)))
  const moved = await moveAccount(ben, foreign, { ...node, handle: `ben${node.handleDomain}` })
  expect(await messagesInRepo(moved)).toHaveLength(2)

  await moved.call(`${SPACES}.join`, { space: garage.did })
  await expect
    .poll(() => garage.messages(), { timeout: 20_000 })
    .toMatchObject([{ uri: good.uri, author: { handle: moved.handle } }])
  expect(await keptReason(good)).toBeNull()
  expect(await keptReason(bad)).toBe('SchemaMismatch')
  expect(await garage.stats()).toMatchObject({ memberCount: 2, messageCount: 1 })
  const announced = await failureOf(
    moved.call(`${SPACES}.sendMessage`, { space: garage.did, ...bad }),
  )
  expect([announced.status, announced.error]).toEqual([400, 'RecordRefused'])
})
