import { beforeEach, expect, test } from 'vitest'
import {
  type Payer,
  type Town,
  applyWith,
  foundTown,
  lockWith,
  orderOf,
  payer,
} from '../../test/tokens/town.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import type { ReadEpoch } from '../tokens/epoch.ts'
import { leftOver } from './left-over.ts'
import type { CertifiedRow } from './read-ledger.ts'

const [ADA, BEN] = [payer('ada'), payer('ben')]
let town: Town
let rows: CertifiedRow[]
let settled: Set<string>
let known: Set<string>
let epoch: ReadEpoch
let now: number
let followed: string[]
/** Whether looking somebody up comes to an end. */
let isSlow: boolean

beforeEach(async () => {
  town = await foundTown(4, [
    { kind: 'system_grant', amount: 9, to: ADA.did },
    { kind: 'system_grant', amount: 9, to: BEN.did },
  ])
  epoch = town.genesis
  rows = [await applied(ADA, BEN, '1'), await applied(BEN, ADA, '2')]
  settled = new Set()
  known = new Set()
  now = 0
  followed = []
  isSlow = false
})

async function applied(from: Payer, to: Payer, n: string): Promise<CertifiedRow> {
  const order = orderOf(town, from, { credits: [{ to: to.did, amount: 1 }] })
  const lock = await lockWith(order, town.members.slice(0, 3))
  await applyWith(order, lock, town.members.slice(0, 3))
  const { account, bytes: record } = order
  return { n, account, seq: 1, epoch: 0, record, certificate: encodeRecord(lock) }
}

/** What this validator's books answer. */
const sql = {
  query: async (statement: string | { name: string }, values: unknown[] = []) => {
    if (typeof statement === 'string') {
      const found = settled.has(values[1] as string) ? [{}] : []
      return { rows: found as never[], rowCount: found.length }
    }
    const after = Number(values[1])
    const found = rows.filter(({ n }) => Number(n) > after)
    return { rows: found as never[], rowCount: found.length }
  },
}

function source() {
  const nobody = () => Promise.reject(new Error('nobody is asked'))
  return leftOver(
    { crypto, fetch: nobody, epoch: () => epoch, clock: { now: () => new Date(now) } },
    {
      sql,
      ledger: town.genesis.id,
      known: async () => known,
      certified: async () => known,
      follow: (did) => {
        followed.push(did)
        return isSlow ? new Promise(() => {}) : Promise.resolve()
      },
    },
  )
}
const accounts = (left: readonly { account: string }[]) => left.map(({ account }) => account)
const next = (): ReadEpoch => ({ ...epoch, epoch: { ...epoch.epoch, epoch: 1 } })

test('who has paid is read from the first, and what others publish is theirs', async () => {
  const left = source()
  expect(await left.list()).toEqual([])
  expect(followed).toEqual([ADA.did, BEN.did])
  now = 59_999
  expect(await left.list()).toEqual([])
  const id = orderOf(town, ADA, { credits: [{ to: BEN.did, amount: 1 }] }).id
  known.add(id)
  now = 60_000
  expect(accounts(await left.list())).toEqual([BEN.did])
})

test('looking up who has paid holds up nothing, and is done for a few at a time', async () => {
  const certificate = rows[0]!.certificate
  rows = Array.from({ length: 20 }, (_, at) => {
    const from = payer(`payer${'abcdefghijklmnopqrst'[at]}`)
    const order = orderOf(town, from, { credits: [{ to: BEN.did, amount: 1 }] })
    const n = String(at + 1)
    return { n, account: from.did, seq: 1, epoch: 0, record: order.bytes, certificate }
  })
  isSlow = true
  const left = source()
  expect(await left.list()).toEqual([])
  expect(left.waiting()).toBe(20)
  expect(followed).toHaveLength(8)
})

test('of an epoch that has ended only locks of what it has settled are published', async () => {
  const left = source()
  await left.list()
  epoch = next()
  settled.add(ADA.did)
  now = 10_000
  const [ada, ben] = await left.list()
  expect(accounts([ada!, ben!])).toEqual([ADA.did, BEN.did])
  expect(await left.certify(ada!)).toMatchObject({
    status: 'settled',
    certificate: { phase: 'lock', account: ADA.did },
  })
  expect(await left.certify(ben!)).toMatchObject({ ok: false, reason: 'NotSettled' })
  expect(accounts(await left.list())).toEqual([ADA.did])
})
