import { expect, test } from 'vitest'
import { retirement } from '../src/appview/collections/spaces/retirement.ts'
import { channel } from '../src/appview/collections/spaces/channel.ts'
import { membership } from '../src/appview/collections/spaces/membership.ts'
import { membershipRequest } from '../src/appview/collections/spaces/membership-request.ts'
import { customerContext } from '../src/appview/collections/spaces/customer-context.ts'
import { message } from '../src/appview/collections/spaces/message.ts'
import { collections } from '../src/appview/collections/index.ts'
import { tableName } from '../src/appview/schema.ts'
import { prepareViewTables } from '../src/appview/view-tables.ts'
import { silentLog } from '../src/log.ts'
import { readFeed } from '../src/appview/read-feed.ts'
import { listRows } from '../src/appview/serve-list.ts'
import { ADA, BEN, CHANNEL, CLUB, STAFF, openRetentionWorld } from './retention-world.ts'

const AT = '2026-01-01T12:00:00Z'
const key = (n: number) => `3jzfcijpj3z2${'abcdefghijklmnopqrstuvwxyz'[n]}`

test('a channel that says nothing puts entries away after a quarter, and deletes none', async () => {
  const w = await openRetentionWorld()
  await w.channel(undefined)
  await w.post(ADA, key(0))
  await w.report(key(1))
  w.wait(10)
  await w.post(BEN, key(2))
  w.wait(79)
  expect(await w.run()).toEqual({ archived: 0, deleted: 0, failed: 0 })
  w.wait(1)
  expect(await w.run()).toEqual({ archived: 2, deleted: 0, failed: 0 })
  expect(await w.shown()).toEqual({ [key(0)]: true, [key(1)]: true, [key(2)]: false })
  w.wait(4_000)
  await w.run()
  expect(Object.keys(await w.shown())).toHaveLength(3)
  expect(await w.run()).toEqual({ archived: 0, deleted: 0, failed: 0 })
})

test('what is put away is in the list of those who ask for it, and in no other', async () => {
  const w = await openRetentionWorld()
  await w.channel({ archiveAfter: 1 })
  await w.post(ADA, key(0))
  w.wait(1)
  await w.post(ADA, key(1))
  await w.run()
  const list = async (archived: boolean) => {
    const at = { sql: w.pool, viewer: undefined }
    const { rows } = await listRows(at, message, message.lists[0]!, { space: CLUB, archived })
    return rows.map(({ rkey }) => rkey)
  }
  expect([await list(false), await list(true)]).toEqual([[key(1)], [key(0)]])
})

test('a message of an account of this node is deleted from its repo, with an audit event', async () => {
  const w = await openRetentionWorld()
  await w.channel({ archiveAfter: 1, deleteAfter: 2 })
  const uri = await w.post(ADA, key(0))
  await w.report(key(1))
  await w.put(message, { did: ADA, rkey: key(2) }, { space: CLUB, text: 'To all' })
  w.wait(1)
  await w.run()
  const archived = await w.rows(retirement)
  expect(archived.map(({ did, state }) => [did, state])).toEqual([
    [CLUB, 'archived'],
    [CLUB, 'archived'],
  ])
  w.wait(1)
  expect(await w.run()).toEqual({ archived: 0, deleted: 2, failed: 0 })
  const kept = [...w.repos.keys()].filter((at) => at.includes(key(0)) || at.includes(key(1)))
  expect(kept).toEqual([])
  expect(await w.shown()).toEqual({ [key(2)]: false })
  const events = await w.deletions()
  expect(events.map(({ subject }) => subject)).toContain(uri)
  expect(events[0]).toMatchObject({ chain: CLUB, actor: CLUB, role: 'clock' })
  expect(events).toHaveLength(2)
})

test('a message of somebody elsewhere is shown no more by the word of the space, also anew', async () => {
  const w = await openRetentionWorld()
  await w.channel({ deleteAfter: 2 })
  const uri = await w.post(BEN, key(0))
  w.wait(2)
  expect(await w.run()).toEqual({ archived: 0, deleted: 1, failed: 0 })
  expect(await w.shown()).toEqual({})
  expect([...w.repos.keys()].some((at) => at.includes(key(0)) && at.includes(BEN))).toBe(true)
  const told = await readFeed(w.pool, CLUB, 0)
  expect(told.filter((one) => one.uri === uri).map(({ action }) => action)).toEqual([
    'created',
    'deleted',
  ])
  const [word] = await w.rows(retirement)
  expect(word).toMatchObject({ did: CLUB, entry: uri, channel: CHANNEL, state: 'deleted' })
  const [counted] = await w.rows(channel)
  expect(counted).toMatchObject({ messageCount: 0, lastMessageAt: null })
  await w.post(BEN, key(0), { text: 'Hello again' })
  expect(await w.shown()).toEqual({})
  await w.pool.query('delete from appview."viewTable"')
  for (const c of collections) await w.pool.query(`drop table ${tableName(c.table)}`)
  await prepareViewTables({ pool: w.pool, indexer: w.indexer, log: silentLog })
  expect(await w.shown()).toEqual({})
  expect(await w.deletions()).toHaveLength(1)
  expect(await w.run()).toEqual({ archived: 0, deleted: 0, failed: 0 })
})

test('what the staff keeps about a message goes with it', async () => {
  const w = await openRetentionWorld()
  await w.channel({ deleteAfter: 2 })
  const told = { customerData: { name: 'Ann' } }
  for (const [n, did] of [ADA, BEN].entries()) {
    const conversation = await w.post(did, key(n))
    const rkey = `${key(n)}:${did}`
    await w.put(customerContext, { did: CLUB, rkey, place: STAFF }, { conversation, ...told })
  }
  w.wait(1)
  await w.run()
  expect(await w.rows(customerContext)).toHaveLength(2)
  w.wait(1)
  expect(await w.run()).toEqual({ archived: 0, deleted: 2, failed: 0 })
  expect(await w.rows(customerContext)).toEqual([])
})

test('a run that takes too long ends, and the next goes on', async () => {
  const w = await openRetentionWorld()
  await w.channel({ archiveAfter: 1 })
  for (let n = 0; n < 150; n++) await w.post(ADA, `3jzfcijpj2${keyed(n)}`)
  w.wait(1)
  w.slow(5_000)
  const first = await w.run()
  expect(first).toEqual({ archived: 100, deleted: 0, failed: 0 })
  w.slow(0)
  expect(await w.run()).toEqual({ archived: 50, deleted: 0, failed: 0 })
})

test('a legal hold keeps everything, as long as it lasts', async () => {
  const w = await openRetentionWorld()
  await w.channel({ archiveAfter: 1, deleteAfter: 1 })
  await w.rules(true)
  for (const [n, did] of [ADA, BEN].entries()) await w.post(did, key(n))
  w.wait(5)
  expect(await w.run()).toEqual({ archived: 2, deleted: 0, failed: 0 })
  expect(await w.shown()).toEqual({ [key(0)]: true, [key(1)]: true })
  await w.rules(false)
  expect(await w.run()).toEqual({ archived: 0, deleted: 2, failed: 0 })
})

test('a word that the views have lost is said again, and the others with it', async () => {
  const w = await openRetentionWorld()
  await w.channel({ archiveAfter: 1 })
  await w.post(ADA, key(0))
  await w.post(ADA, key(1))
  await w.put(
    retirement,
    { did: CLUB, rkey: `${key(0)}:${ADA}` },
    {
      entry: `at://${BEN}/${message.nsid}/${key(0)}`,
      channel: CHANNEL,
      state: 'archived',
    },
  )
  w.wait(1)
  expect(await w.run()).toEqual({ archived: 2, deleted: 0, failed: 0 })
  expect(await w.shown()).toEqual({ [key(0)]: true, [key(1)]: true })
})

test('what another space says of its channel or of our entries does nothing here', async () => {
  const w = await openRetentionWorld()
  await w.channel({ archiveAfter: 5 })
  const uri = await w.post(ADA, key(0))
  const other = 'did:plc:other'
  const stream = `at://${other}/${channel.nsid}/${key(9)}`
  const retention = { space: other, name: 'x', dataRetention: { deleteAfter: 0 } }
  await w.put(channel, { did: other, rkey: key(9) }, retention)
  const word = { entry: uri, channel: stream, state: 'deleted' }
  await w.put(retirement, { did: other, rkey: key(8) }, word)
  await w.put(membership, { did: other, rkey: ADA }, { subject: ADA, role: 'member', joinedAt: AT })
  await w.put(membershipRequest, { did: ADA, rkey: other }, { space: other })
  await w.post(ADA, key(1), { space: other, channel: stream })
  w.wait(1)
  await w.run()
  expect(await w.shown()).toEqual({ [key(0)]: false, [key(1)]: false })
})

test.each([true, false])(
  'cut off at any write (done: %s), it is made up for, each deletion told once',
  async (done) => {
    for (let after = 0; after < 9; after++) {
      const w = await openRetentionWorld()
      await w.channel({ archiveAfter: 1, deleteAfter: 2 })
      for (const [n, did] of [ADA, BEN, ADA].entries()) await w.post(did, key(n))
      w.wait(1)
      await w.run()
      await w.report(key(3))
      w.wait(1)
      for (const [n, did] of [ADA, BEN].entries()) await w.post(did, key(n + 4))
      w.wait(1)
      w.die(after, done)
      await w.run()
      await w.live()
      await w.run()
      expect(await w.shown(), `after ${after}`).toEqual({ [key(4)]: true, [key(5)]: true })
      const subjects = (await w.deletions()).map(({ subject }) => subject)
      expect(subjects).toHaveLength(4)
      expect(new Set(subjects).size).toBe(4)
      const before = [[...w.repos], await w.rows(retirement)]
      expect(await w.run()).toEqual({ archived: 0, deleted: 0, failed: 0 })
      expect([[...w.repos], await w.rows(retirement)]).toEqual(before)
    }
  },
  60_000,
)

test('one that fails does not hold up the others, and many are done in batches', async () => {
  const w = await openRetentionWorld()
  await w.channel({ deleteAfter: 1 })
  for (let n = 0; n < 230; n++) await w.post(n % 2 ? BEN : ADA, `3jzfcijpj2${keyed(n)}`)
  w.wait(1)
  w.die(0, false)
  expect((await w.run()).failed).toBe(230)
  await w.live()
  expect(await w.run()).toEqual({ archived: 0, deleted: 230, failed: 0 })
}, 60_000)

/** Three letters of a record key for a number. */
function keyed(n: number): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  return `a${letters[Math.floor(n / 26)]}${letters[n % 26]}`
}
