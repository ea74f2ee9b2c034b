import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../src/log.ts'
import { type Plc } from '../../src/pds/plc.ts'
import { withdrawAtStart, withdrawUncommitted } from '../../src/pds/withdraw-events.ts'
import { createWriter } from '../../src/pds/write.ts'
import { type TestNode, message, startMemoryPlc, startNode } from './network.ts'

let plc: Plc
let node: TestNode
beforeAll(async () => {
  plc = await startMemoryPlc()
  node = await startNode({ plcUrl: plc.url })
})
afterAll(async () => {
  await node?.close()
  await plc?.close()
})

/** Makes a commit that sequences its event and then is cut off. */
async function writeAndCrash(did: string): Promise<void> {
  const { pds } = node
  const store = pds.ctx.actorStore
  const transact = store.transact.bind(store)
  store.transact = (whose, work) =>
    transact(whose, async (actor) => {
      await work(actor)
      throw new Error('crashed before the commit')
    }) as never
  const record = { $type: message.$type, text: 'never committed' }
  const write = createWriter(pds, silentLog).createRecord({
    did,
    collection: message.$type,
    record,
  })
  await expect(write).rejects.toThrow('crashed')
  store.transact = transact
}

const eventsOf = async (did: string) => {
  const events = await node.pds.ctx.sequencer.requestSeqRange({})
  return events.flatMap(({ type, evt }) =>
    (type === 'commit' && evt.repo === did) || (type === 'sync' && evt.did === did)
      ? [{ type, rev: evt.rev }]
      : [],
  )
}
const rootOf = async (did: string) =>
  node.pds.ctx.actorStore.read(did as never, (store) => store.repo.storage.getRootDetailed())

test('the event of a commit that a crash cut off is withdrawn', async () => {
  const { did } = await node.createUser('cut-off.test')
  const bystander = await node.createUser('bystander.test')
  const before = await eventsOf(did)
  const others = await eventsOf(bystander.did)
  await writeAndCrash(did)
  expect(await eventsOf(did)).toHaveLength(before.length + 1)

  expect(await withdrawUncommitted(node.pds, silentLog)).toBe(1)
  const { rev } = await rootOf(did)
  expect(await eventsOf(did)).toEqual([...before, { type: 'sync', rev }])
  expect(await eventsOf(bystander.did)).toEqual(others)
  expect(await withdrawUncommitted(node.pds, silentLog)).toBe(0)
})

test('a PDS that starts withdraws such events before it listens', async () => {
  const { did } = await node.createUser('starts.test')
  await writeAndCrash(did)
  const { sequencer } = node.pds.ctx
  const started = sequencer.start.bind(sequencer)
  sequencer.start = async () => {}
  withdrawAtStart(node.pds, silentLog)
  await sequencer.start()
  sequencer.start = started
  expect((await eventsOf(did)).at(-1)).toEqual({ type: 'sync', rev: (await rootOf(did)).rev })
})
