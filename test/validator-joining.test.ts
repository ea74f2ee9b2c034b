import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBytes } from '@atcute/cbor'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemTimers } from '../src/clock.ts'
import { nativeCrypto } from '../src/crypto/native.ts'
import { p256Signer } from '../src/crypto/p256.ts'
import { migrate } from '../src/database/migrate.ts'
import { openKysely } from '../src/database/pool.ts'
import type { SqlPool } from '../src/database/sql.ts'
import type { Outbound } from '../src/outbound/fetch.ts'
import { assemble } from '../src/tokens/certificate.ts'
import { encodeRecord } from '../src/tokens/encoding.ts'
import { type Epoch, epochId, readEpoch, signEpoch } from '../src/tokens/epoch.ts'
import type { Transfer } from '../src/tokens/transfer.ts'
import type { Order } from '../src/tokens/ledger-view.ts'
import type { SealedSet } from '../src/tokens/handover.ts'
import { quorumOf } from '../src/tokens/quorum.ts'
import { isRefusal } from '../src/tokens/refusal.ts'
import { sealEpoch } from '../src/tokens/seal.ts'
import { stateRoot } from '../src/tokens/state-root.ts'
import { epochChange } from '../src/validator/epoch-change.ts'
import { knownEpochs } from '../src/validator/known-epochs.ts'
import { migrations } from '../src/validator/migrations/index.ts'
import { openValidator } from '../src/validator/open-validator.ts'
import { readCheckpoint } from '../src/validator/read-checkpoint.ts'
import { type TakenSeat, takeSeat } from '../src/validator/take-seat.ts'
import { type NativeDatabase, nativeDatabase } from './database/native.ts'
import { NOON, type Payer, attested, didOf, firstEpoch, orderOf, payer } from './tokens/town.ts'

const TOKEN = 1_000_000
const [ADA, BEN, POOL] = [payer('ada'), payer('ben'), payer('pool')] as const
const OLD = { did: didOf('old'), signer: p256Signer(), endpoint: 'https://old.test' }
const NEW = { did: didOf('new'), signer: p256Signer(), endpoint: 'https://new.test' }
/** Signs what the old one signs, so that there is a quorum without the new one. */
const PUPPET = { did: didOf('puppet'), signer: p256Signer(), endpoint: 'https://puppet.test' }
const folder = mkdtempSync(join(tmpdir(), 'angelos-joining-'))
const databases: NativeDatabase<unknown>[] = []
const clock = { now: () => new Date(NOON) }
let old: Awaited<ReturnType<typeof openOld>>
let first: Order
let epochOne: Epoch

const GENESIS = read(
  firstEpoch(
    [{ did: OLD.did, key: OLD.signer.didKey }],
    [
      { kind: 'system_grant', amount: 50 * TOKEN, to: ADA.did },
      { kind: 'karma_reward', amount: 5 * TOKEN, pool: POOL.did },
    ],
  ),
)

function read(epoch: Epoch) {
  const found = readEpoch(nativeCrypto, encodeRecord(epoch))
  if (isRefusal(found)) throw new Error(found.detail)
  return found
}

async function books(): Promise<SqlPool> {
  const database = await nativeDatabase()
  databases.push(database)
  await migrate({ db: openKysely(database.pool), schema: 'ledger', migrations })
  return database.pool as unknown as SqlPool
}

const committee = (...members: readonly (typeof OLD)[]) =>
  members.map(({ did, signer, endpoint }) => ({ did, key: signer.didKey, endpoint }))

async function openOld() {
  const sql = await books()
  const { did, signer } = OLD
  const startsFile = join(folder, 'old')
  const crypto = nativeCrypto
  const opened = await openValidator({
    sql,
    genesis: GENESIS,
    did,
    signer,
    crypto,
    clock,
    startsFile,
  })
  const source = {
    seal: async (validator: string, epoch: number) => {
      const found = await change.sealed(epoch)
      if (!found) return undefined
      const { seal } = validator === OLD.did ? found : puppetSeal(found)
      return { record: encodeRecord(seal), transfers: found.transfers }
    },
    certificate: () => Promise.resolve(undefined),
  }
  const change = epochChange({ opened, crypto, now: () => NOON, source })
  return { sql, opened, change }
}

function puppetSeal({ transfers }: SealedSet) {
  const { committee: at } = old.opened.validator.current()
  const of = { committee: at, validator: PUPPET.did, transfers, participation: [], now: NOON }
  return sealEpoch(nativeCrypto, PUPPET.signer, of)
}

const order = (from: Payer, more: Partial<Transfer> & Pick<Transfer, 'credits'>) =>
  orderOf({ genesis: GENESIS, crypto: nativeCrypto, now: NOON }, from, more)

/** The next epoch of these validators, signed by the old one and its puppet. */
async function conclude(validators: Epoch['validators'], grants: Epoch['grants']): Promise<Epoch> {
  const { epoch: before, committee: at } = old.opened.validator.current()
  await old.change.seal(before.epoch)
  const sealed = (await old.change.sealed(before.epoch))!
  const all = [
    { validator: OLD.did, cid: sealed.cid },
    { validator: PUPPET.did, cid: puppetSeal(sealed).cid },
  ]
  const seals = all.slice(0, at.keys.size > 1 ? 2 : 1)
  const outcome = await old.change.conclude(seals)
  if (isRefusal(outcome)) throw new Error(outcome.detail)
  const draft: Epoch = {
    ...before,
    ledger: GENESIS.id,
    epoch: before.epoch + 1,
    prev: at.id,
    validators,
    quorum: quorumOf(validators.length),
    grants,
    handover: { seals, ...outcome.roots },
    signatures: [],
  }
  const signed = await old.change.sign(read(draft))
  if (isRefusal(signed)) throw new Error(signed.detail)
  const second = signEpoch(PUPPET.signer, PUPPET.did, epochId(nativeCrypto, draft))
  return { ...draft, signatures: [signed.signature, second].slice(0, seals.length) }
}

beforeAll(async () => {
  old = await openOld()
  first = order(ADA, { credits: [{ to: BEN.did, amount: 20 * TOKEN }] })
  const { about, attestation } = attested(await old.opened.validator.submit(first))
  attested(await old.opened.validator.apply(first, assemble(about, [attestation])))
  epochOne = await conclude(committee(OLD, NEW, PUPPET), [
    { kind: 'system_grant', amount: TOKEN, to: BEN.did },
    { kind: 'karma_reward', amount: 7 * TOKEN, pool: POOL.did },
  ])
  const entered = await old.change.enter(read(epochOne))
  if (isRefusal(entered)) throw new Error(entered.detail)
})
afterAll(async () => {
  for (const database of databases) await database.close()
  rmSync(folder, { recursive: true })
})

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

async function newSeat(sql: SqlPool, starts: string, more: readonly Epoch[] = [epochOne]) {
  const epochs = knownEpochs(nativeCrypto, GENESIS)
  epochs.take(more.map((epoch) => encodeRecord(epoch)))
  const log = { warn: () => {}, info: () => {} } as never
  const timers = { ...systemTimers, now: clock.now }
  const { signer } = NEW
  const crypto = nativeCrypto
  const resolve = () => Promise.resolve(undefined)
  const startsFile = join(folder, starts)
  return takeSeat({ epochs, sql, signer, crypto, startsFile, resolve, fetch, timers, log })
}

async function rootOf(store: { everything: typeof old.opened.store.everything }) {
  const { accounts } = await store.everything()
  return toBytes(stateRoot(nativeCrypto, accounts.values())).$bytes
}

const opened = (seat: TakenSeat) => seat.validating()!.desk.opened

test('who only follows has no seat; named by a later epoch it begins with the accounts of the others', async () => {
  const sql = await books()
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
  const seat = await newSeat(await books(), 'holds')
  await seat.keepUp()
  const pay = (from: Payer, amount: number, prev?: string) =>
    order(from, {
      epoch: 1,
      ...(prev !== undefined && { seq: 2, prev }),
      credits: [{ to: POOL.did === from.did ? ADA.did : didOf('cleo'), amount }],
    })
  const large = pay(ADA, 11 * TOKEN, first.id)
  const { validator } = opened(seat)
  expect(await validator.submit(large)).toMatchObject({ reason: 'KeyOnHold' })
  expect(await old.opened.validator.submit(large)).toMatchObject({ ok: true })
  // A restart forgets neither that the key is on hold nor that others have met keys before.
  const { validator: again } = opened(await newSeat((seat as { sql: SqlPool }).sql, 'holds'))
  expect(await again.submit(large)).toMatchObject({ reason: 'KeyOnHold' })
  expect(await again.submit(pay(ADA, TOKEN, first.id))).toMatchObject({ ok: true })
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
  const sql = await books()
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
  const seat = await newSeat(await books(), 'away')
  await seat.keepUp()
  const credits = [{ to: BEN.did, amount: 9 }]
  const late = order(ADA, { epoch: 1, seq: 2, prev: first.id, credits })
  expect(await opened(seat).validator.submit(late)).toMatchObject({ ok: true })
  const epochTwo = await conclude(committee(OLD, PUPPET), [])
  expect(await old.change.enter(read(epochTwo))).toEqual({ ok: true })
  seat.epochs!.take([encodeRecord(epochTwo)])
  await seat.keepUp()
  expect(seat.validating()).toBeUndefined()
  expect(seat.desk()!.desk.opened.validator.current().committee.epoch).toBe(1)
  const epochThree = await conclude(committee(OLD, NEW, PUPPET), [])
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
    prev: first.id,
    credits: [{ to: BEN.did, amount: 8 }],
  })
  expect(await validator.submit(other)).toMatchObject({ ok: true })
})
