import pg from 'pg'
import { expect } from 'vitest'
import type { Epoch } from '../../src/tokens/epoch.ts'
import { urlOf } from '../end-to-end/kill.ts'
import type { NodeProcess } from '../node-process.ts'
import { anybodyGet } from '../person.ts'
import { runCommand } from '../run-command.ts'

const SOON = { timeout: 90_000, interval: 500 }
const STANDING = 'co.kendev.tokens.readStanding'

type Standing = {
  epoch: number
  standing: string
  stateRoot: string
  supply: number
  transfers: number
  agrees?: boolean
}

/** Expects that every node shows just what the validators have signed of the epoch before `next`,
 *  and in the epoch that is open, in which so many have paid, the root that every validator has in
 *  its books. */
export async function everyNodeAgrees(
  nodes: readonly NodeProcess[],
  next: Pick<Epoch, 'epoch' | 'handover'>,
  { paid }: { paid: number },
): Promise<void> {
  const { stateRoot, supply } = next.handover!
  const signed = Buffer.from(stateRoot.$bytes, 'base64').toString('hex')
  const epoch = next.epoch - 1
  for (const { origin } of nodes) {
    const ended = () => anybodyGet<Standing>(origin, STANDING, { epoch: String(epoch) })
    await expect
      .poll(ended, SOON)
      .toMatchObject({ standing: 'settled', stateRoot: signed, supply, agrees: true })
  }
  for (const { origin } of nodes) {
    const later = anybodyGet(origin, STANDING, { epoch: String(next.epoch + 1) })
    await expect(later).rejects.toMatchObject({ error: 'NotFound' })
  }
  const books = () => rootsOf(nodes, 'co.kendev.tokens.readStateRoot')
  const same = { epoch: next.epoch, transfers: paid }
  await expect.poll(books, SOON).toMatchObject(nodes.map(() => same))
  const held = await books()
  expect(new Set(held.map(({ stateRoot: root }) => root)).size).toBe(1)
  await expect.poll(() => rootsOf(nodes, STANDING), SOON).toEqual(held)
}

/** The roots that nodes tell now. */
async function rootsOf(nodes: readonly NodeProcess[], method: string) {
  const told = await Promise.all(nodes.map(({ origin }) => anybodyGet<Standing>(origin, method)))
  return told.map(({ epoch, stateRoot, supply, transfers }) => ({
    epoch,
    stateRoot,
    supply,
    transfers,
  }))
}

/** Makes all views of a node anew, and forgets all that it has found out about ledgers. */
export async function rebuildViews(node: NodeProcess): Promise<void> {
  const { code, stderr } = await runCommand(['rebuild'], node.env)
  expect([code, stderr]).toEqual([0, ''])
  const client = new pg.Client({ connectionString: urlOf(node.dataDir) })
  await client.connect()
  for (const table of ['tokenEpoch', 'tokenJudgement', 'tokenContent', 'tokenPosting'])
    await client.query(`truncate node."${table}"`)
  await client.end()
  await node.stop()
  await node.start()
}
