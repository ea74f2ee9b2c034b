import { join } from 'node:path'
import { toBytes } from '@atcute/cbor'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemTimers } from '../src/clock.ts'
import { nativeCrypto } from '../src/crypto/native.ts'
import type { SqlPool } from '../src/database/sql.ts'
import type { Outbound } from '../src/outbound/fetch.ts'
import { encodeRecord } from '../src/tokens/encoding.ts'
import type { Epoch } from '../src/tokens/epoch.ts'
import { stateRoot } from '../src/tokens/state-root.ts'
import { knownEpochs } from '../src/validator/known-epochs.ts'
import { readCheckpoint } from '../src/validator/read-checkpoint.ts'
import { type TakenSeat, takeSeat } from '../src/validator/take-seat.ts'
import {
  ADA,
  BEN,
  GENESIS,
  NEW,
  OLD,
  type OldValidator,
  POOL,
  PUPPET,
  TOKEN,
  clock,
  committee,
  oldValidator,
  order,
  read,
} from './tokens/old-validator.ts'
import { type Payer, didOf, payer } from './tokens/town.ts'

let old: OldValidator

beforeAll(async () => {
  old = await oldValidator()
})
afterAll(() => old[Symbol.asyncDispose]())

/** Answers for the old validator; pages are of one account each. */
const fetch: Outbound = async (url) => {
  const { searchParams, hostname, pathname } = new URL(url)
  const { epoch } = old.opened.validator.current()
  const isAsked = pathname.endsWith('.readCheckpoint') && hostname === 'old.test'
  if (!isAsked || Number(searchParams.get('epoch')) !== epoch.epoch - 1) {
    return Response.json({ error: 'NotFound' }, { status: 400 })
  }
  const after = searchParams.get('cursor') ?? ''
  const page = await readCheckpoint(old.sql, GENESIS.id, { epoch, after, limit: 1 })
  const accounts = page.accounts.map(({ did, balance, ...rest }) => {
    return { account: did, balance: Number(balance), ...rest }
  })
  return Response.json({ accounts, ...(page.last !== undefined && { cursor: page.last }) })
}

async function newSeat(sql: SqlPool, starts: string, more: readonly Epoch[] = [old.epochOne]) {
  const epochs = knownEpochs(nativeCrypto, GENESIS)
  epochs.take(more.map((epoch) => encodeRecord(epoch)))
  const log = { warn: () => {}, info: () => {} } as never
  const timers = { ...systemTimers, now: clock.now }
  const { signer } = NEW
  const crypto = nativeCrypto
  const resolve = () => Promise.resolve(undefined)
  const startsFile = join(old.folder, starts)
  return takeSeat({ epochs, sql, signer, crypto, startsFile, resolve, fetch, timers, log })
}

async function rootOf(store: { everything: typeof old.opened.store.everything }) {
  const { accounts } = await store.everything()
  return toBytes(stateRoot(nativeCrypto, accounts.values())).$bytes
}

const opened = (seat: TakenSeat) => seat.validating()!.desk.opened

test('who only follows has no seat; named by a later epoch it begins with the accounts of the others', async () => {
  const sql = await old.books()
  const outside = await newSeat(sql, 'joins', [])
  await outside.keepUp()
  expect([outside.desk(), outside.validating()]).toEqual([undefined, undefined])
  const seat = await newSeat(sql, 'joins')
  expect(seat.validating()).toBeUndefined()
  await seat.keepUp()
  const { validator, store } = opened(seat)
  expect(validator.current()).toMatchObject({ phase: 'open', committee: { epoch: 1 } })
  expect(await rootOf(store)).toBe(await rootOf(old.opened.store))
  const again = await newSeat(sql, 'joins')
  expect(opened(again).validator.current().committee.epoch).toBe(1)
  expect(await rootOf(opened(again).store)).toBe(await rootOf(old.opened.store))
})

test('a newcomer votes for small sums only of who has spent before, whatever key it meets', async () => {
  const seat = await newSeat(await old.books(), 'holds')
  await seat.keepUp()
  const pay = (from: Payer, amount: number, prev?: string) =>
    order(from, {
      epoch: 1,
      ...(prev !== undefined && { seq: 2, prev }),
      credits: [{ to: POOL.did === from.did ? ADA.did : didOf('cleo'), amount }],
    })
  const large = pay(ADA, 11 * TOKEN, old.first.id)
  const { validator } = opened(seat)
  expect(await validator.submit(large)).toMatchObject({ reason: 'KeyOnHold' })
  expect(await old.opened.validator.submit(large)).toMatchObject({ ok: true })
  // A restart forgets neither that the key is on hold nor that others have met keys before.
  const { validator: again } = opened(await newSeat((seat as { sql: SqlPool }).sql, 'holds'))
  expect(await again.submit(large)).toMatchObject({ reason: 'KeyOnHold' })
  expect(await again.submit(pay(ADA, TOKEN, old.first.id))).toMatchObject({ ok: true })
  // Nobody has met a key of an account that has never spent.
  expect(await again.submit(pay(BEN, 11 * TOKEN))).toMatchObject({ ok: true })
})

/** Books that fail at the first statement that is so. */
function failingAt(sql: SqlPool, at: RegExp): SqlPool {
  const isIt = (statement: unknown) => {
    const { text } = statement as { text?: string }
    return at.test(text ?? String(statement))
  }
  return {
    query: async (...given: Parameters<SqlPool['query']>) => {
      if (isIt(given[0])) throw new Error('killed')
      return sql.query(...given)
    },
    connect: async () => {
      const client = await sql.connect()
      return {
        release: (error?: Error) => client.release(error),
        query: async (...given: Parameters<SqlPool['query']>) => {
          if (isIt(given[0])) throw new Error('killed')
          return client.query(...given)
        },
      }
    },
  } as SqlPool
}

test('killed at any step of its joining, a validator begins again and has the same', async () => {
  const sql = await old.books()
  const steps = [
    /insert into ledger\.validator/,
    /insert into ledger\.epoch/,
    /insert into ledger\.settled/,
    /delete from ledger\.opening/,
    /insert into ledger\.account/,
    /insert into ledger\.opening/,
    /update ledger\.validator set epoch/,
  ]
  for (const step of steps) {
    const seat = await newSeat(failingAt(sql, step), 'killed')
    await expect(seat.keepUp(), String(step)).rejects.toThrow('killed')
    expect(seat.desk()).toBeUndefined()
    expect((await newSeat(sql, 'killed')).desk(), String(step)).toBeUndefined()
  }
  const seat = await newSeat(sql, 'killed')
  await seat.keepUp()
  expect(await rootOf(opened(seat).store)).toBe(await rootOf(old.opened.store))
})

test('who has left signs no more and keeps its books; named again it goes on from the newest epoch', async () => {
  const seat = await newSeat(await old.books(), 'away')
  await seat.keepUp()
  const credits = [{ to: BEN.did, amount: 9 }]
  const late = order(ADA, { epoch: 1, seq: 2, prev: old.first.id, credits })
  const early = order(BEN, { epoch: 1, credits: [{ to: ADA.did, amount: 1 }] })
  for (const one of [late, early]) {
    expect(await opened(seat).validator.submit(one)).toMatchObject({ ok: true })
  }
  const epochTwo = await old.conclude(committee(OLD, PUPPET), [])
  expect(await old.change.enter(read(epochTwo))).toEqual({ ok: true })
  seat.epochs!.take([encodeRecord(epochTwo)])
  await seat.keepUp()
  expect(seat.validating()).toBeUndefined()
  expect(seat.desk()!.desk.opened.validator.current().committee.epoch).toBe(1)
  const epochThree = await old.conclude(committee(OLD, NEW, PUPPET), [])
  expect(await old.change.enter(read(epochThree))).toEqual({ ok: true })
  seat.epochs!.take([encodeRecord(epochThree)])
  for (let round = 0; round < 2; round += 1) await seat.keepUp()
  const { validator, store } = opened(seat)
  expect(validator.current()).toMatchObject({ phase: 'open', committee: { epoch: 3 } })
  expect(await rootOf(store)).toBe(await rootOf(old.opened.store))
  // What was promised in an epoch that has ended without it binds nobody any more.
  const other = order(ADA, {
    epoch: 3,
    seq: 2,
    prev: old.first.id,
    credits: [{ to: BEN.did, amount: 8 }],
  })
  expect(await validator.submit(other)).toMatchObject({ ok: true })
  // The key that it has met of Ben is the one that it knows him by.
  const large = [{ to: ADA.did, amount: 11 * TOKEN }]
  const changed = order(payer('ben'), { epoch: 3, credits: large })
  expect(await validator.submit(changed)).toMatchObject({ reason: 'KeyOnHold' })
})
