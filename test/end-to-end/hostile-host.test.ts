import { encode } from '@atcute/cbor'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Tampering, encodeFrame } from '../firehose/fake-repo.ts'
import { lies } from '../firehose/lies.ts'
import { malformations } from '../firehose/malformations.ts'
import { type Garage, type Items, type Said, foundGarage, messageIn } from '../garage.ts'
import { type HostileAccount, callAs, createHostileAccount } from '../hostile-account.ts'
import { type TestNode, startNetwork } from '../network.ts'
import { anybodyGet, createPerson } from '../person.ts'

const SPACES = 'co.kendev.spaces'
const collection = `${SPACES}.message`

const parts = new AsyncDisposableStack()
let node: TestNode
let garage: Garage
let mallory: HostileAccount
let sql: pg.Client
let seq = 0

beforeAll(async () => {
  const network = parts.use(await startNetwork())
  node = network.nodes[0]!
  sql = new pg.Client({ connectionString: node.databaseUrl })
  await sql.connect()
  parts.defer(() => sql.end())
  const ada = await createPerson(node.url, `ada${node.handleDomain}`)
  garage = await foundGarage(node.url, ada)
  mallory = parts.use(await createHostileAccount(node.plcUrl))
})
afterAll(() => parts.disposeAsync())

const DIGITS = '234567abcdefghijklmnopqrstuvwxyz'
const rkeyOf = (n: number) => `3lw4qc3hq7c${DIGITS[n >> 5]}${DIGITS[n & 31]}`

/** Mallory writes a message, and her host tells of it as it likes. What is tampered with is not in
 *  her repo: the host has made it up. */
async function tell(text: string, tampering?: Tampering): Promise<void> {
  seq += 1
  const record = { $type: collection, ...messageIn(garage, text) }
  const writes = [{ action: 'create' as const, collection, rkey: rkeyOf(seq), record }]
  const repo = tampering ? await mallory.repo.fork() : mallory.repo
  mallory.host.play(seq, await repo.write(seq, writes, tampering))
}

/** Mallory announces her wish to join, as her own PDS would for her. */
async function join(uri: string, cid: string): Promise<string> {
  const body = { space: garage.did, uri, cid }
  const answer = await callAs(mallory, node, `${SPACES}.join`, body)
  return answer.status === 200 ? 'taken' : String(answer.body['error'])
}

async function shown(): Promise<string[]> {
  const params = { space: garage.did, limit: 100 }
  const { items } = await anybodyGet<Items<Said>>(node.url, `${SPACES}.listMessages`, params)
  return items.map(({ text = '' }) => text).toSorted()
}

const signatureLies = lies.filter(({ reason }) => reason === 'BadSignature')

test('an announced record is taken only with a proof that its author has signed', async () => {
  const { did, repo } = mallory
  const request = `${SPACES}.membershipRequest`
  const record = { $type: request, space: garage.did, createdAt: new Date().toISOString() }
  const { ops } = await repo.commit([
    { action: 'create', collection: request, rkey: garage.did, record },
  ])
  const uri = `at://${did}/${request}/${garage.did}`
  const cid = ops[0]!.cid!.$link
  for (const tampering of [
    ...signatureLies.map((lie) => lie.tampering()),
    { parts: ({ blocks }) => void blocks.set(cid, { cid: ops[0]!.cid!, bytes: encode({}) }) },
    { parts: ({ blocks }) => void blocks.delete(cid) },
    { car: (bytes) => bytes.subarray(0, -40) },
  ] satisfies Tampering[]) {
    mallory.tampering = tampering
    expect(await join(uri, cid)).toBe('AnnouncedRecordMismatch')
  }
  const { rows } = await sql.query('select 1 from appview.record where did = $1', [did])
  expect(rows).toEqual([])
  mallory.tampering = {}
  expect(await join(uri, cid)).toBe('taken')
  expect(await garage.stats()).toMatchObject({ memberCount: 2 })
  await expect.poll(() => mallory.host.connected()).toBe(1)
})

test('nothing a hostile host makes up reaches a view, and all it tells truly does', async () => {
  const all = [...lies, ...malformations]
  for (const { tampering, what } of all) {
    await tell(`a lie: it ${what}`, tampering())
    await tell(`true, after it ${what}`)
  }
  const truths = all.map(({ what }) => `true, after it ${what}`)
  await expect.poll(shown, { timeout: 20_000 }).toEqual(truths.toSorted())
  const { rows } = await sql.query<{ reason: string }>(
    'select reason from appview."refusedCommit" where host = $1 order by seq',
    [mallory.host.origin.replace('ws:', 'http:')],
  )
  expect(rows.map(({ reason }) => reason).toSorted()).toEqual(
    all.map(({ reason }) => reason as string).toSorted(),
  )
  expect(await garage.stats()).toMatchObject({ messageCount: all.length })
})

test('a host that speaks for accounts of other hosts changes nothing of theirs', async () => {
  const before = await anybodyGet<object>(node.url, `${SPACES}.getSpace`, { space: garage.did })
  const about = { did: garage.did, time: new Date().toISOString() }
  const deleted = { ...about, active: false, status: 'deleted' }
  const { host } = mallory
  host.play(++seq, encodeFrame('#account', { seq, ...deleted }))
  host.play(++seq, encodeFrame('#identity', { seq, ...about, handle: 'x.test' }))
  await tell('after the lies')
  await expect.poll(shown).toContain('after the lies')
  const after = await anybodyGet<object>(node.url, `${SPACES}.getSpace`, { space: garage.did })
  expect({ ...after, stats: 0 }).toEqual({ ...before, stats: 0 })
})

test('noise and hanging up do not stop the consumer', async () => {
  const { host } = mallory
  host.send(Buffer.from('noise'))
  host.send('text')
  host.drop()
  await expect.poll(() => host.cursors.length, { timeout: 5_000 }).toBe(2)
  host.fail('ConsumerTooSlow')
  await expect.poll(() => host.cursors.length, { timeout: 5_000 }).toBe(3)
  await tell('still heard')
  await expect.poll(shown, { timeout: 5_000 }).toContain('still heard')
  expect(host.cursors.at(-1)).toBeGreaterThan(0)
})
