import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nativeCrypto } from '../src/crypto/native.ts'
import { p256Signer } from '../src/crypto/p256.ts'
import { openKysely } from '../src/database/pool.ts'
import { migrate } from '../src/database/migrate.ts'
import { assemble } from '../src/tokens/certificate.ts'
import { cidOfBytes, encodeRecord } from '../src/tokens/encoding.ts'
import { type Epoch, readEpoch } from '../src/tokens/epoch.ts'
import type { LedgerStore } from '../src/tokens/ledger-store.ts'
import { memoryStore } from '../src/tokens/memory-store.ts'
import { isRefusal } from '../src/tokens/refusal.ts'
import { sealBytes } from '../src/tokens/seal.ts'
import { openEpoch } from '../src/tokens/settle.ts'
import { createValidator } from '../src/tokens/validator.ts'
import { snapshotOf } from '../src/tokens/worth/personhood.ts'
import { type EpochChange, epochChange } from '../src/validator/epoch-change.ts'
import { migrations } from '../src/validator/migrations/index.ts'
import { notApplied } from '../src/validator/not-applied.ts'
import { openValidator } from '../src/validator/open-validator.ts'
import { type NativeDatabase, nativeDatabase } from './database/native.ts'
import { NOON, attested, currentOf, firstEpoch, orderOf, payer } from './tokens/town.ts'

const DID = 'did:plc:validatora22222222222222'.slice(0, 32)
const ADA = payer('ada')
const BEN = payer('ben')
const POOL = payer('pool')
let database: NativeDatabase<unknown>
const folder = mkdtempSync(join(tmpdir(), 'angelos-validator-'))

beforeAll(async () => {
  database = await nativeDatabase()
  await migrate({ db: openKysely(database.pool), schema: 'ledger', migrations })
})
afterAll(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

let ledgers = 0
/** A ledger with one validator, so that its own vote makes a certificate. */
function ledgerOf(signer = p256Signer()) {
  const grants = [
    { kind: 'system_grant', amount: 1_000, to: ADA.did },
    { kind: 'karma_reward', amount: 500, pool: POOL.did, perRecipientCap: 300 },
  ] as const
  const supplyCap = 1_000_000 + (ledgers += 1)
  const record = firstEpoch([{ did: DID, key: signer.didKey }], grants, { supplyCap })
  const genesis = readEpoch(nativeCrypto, encodeRecord(record))
  if (isRefusal(genesis)) throw new Error(genesis.detail)
  const town = { genesis, crypto: nativeCrypto, now: NOON }
  return { genesis, signer, town, startsFile: join(folder, `starts-${supplyCap}`) }
}
type Ledger = ReturnType<typeof ledgerOf>

const clock = { now: () => new Date(NOON) }
const onPostgres = ({ genesis, signer, startsFile }: Ledger) =>
  openValidator({
    sql: database.pool as never,
    genesis,
    did: DID,
    signer,
    crypto: nativeCrypto,
    clock,
    startsFile,
  })

async function inMemory({ genesis, signer }: Ledger) {
  const store: LedgerStore = memoryStore()
  const current = currentOf(genesis)
  await store.enter(current, openEpoch([], genesis.epoch.grants))
  const now = () => NOON
  const parts = { did: DID, crypto: nativeCrypto, signer, store, now, current, batched: true }
  return { validator: createValidator(parts), store }
}

for (const [name, open] of [
  ['in memory', inMemory],
  ['on Postgres', onPostgres],
] as const) {
  test(`${name}, a validator locks, applies, mints and answers again alike`, async () => {
    const ledger = ledgerOf()
    const { validator, store } = await open(ledger)
    const { town } = ledger
    const pay = orderOf(town, ADA, { credits: [{ to: BEN.did, amount: 400 }] })
    const mint = (seq: number, prev: string | undefined, amount: number) =>
      orderOf(town, POOL, {
        seq,
        ...(prev !== undefined && { prev }),
        kind: 'karma_reward',
        credits: [{ to: BEN.did, amount }],
      })
    const first = mint(1, undefined, 200)
    const votes = await Promise.all([pay, first].map((order) => validator.submit(order)))
    for (const [index, order] of [pay, first].entries()) {
      const { about, attestation } = attested(votes[index]!)
      attested(await validator.apply(order, assemble(about, [attestation])))
    }
    expect(await validator.submit(pay)).toMatchObject({ applied: { id: pay.id } })
    const rival = orderOf(town, ADA, { credits: [{ to: BEN.did, amount: 1 }] })
    expect(await validator.submit(rival)).toMatchObject({ reason: 'AlreadyCertified' })
    const over = mint(2, first.id, 101)
    expect(await validator.submit(over)).toMatchObject({ reason: 'OverRecipientCap' })
    const rest = mint(2, first.id, 100)
    const vote = attested(await validator.submit(rest))
    const again = attested(await validator.submit(rest))
    expect(again.attestation.observedAt).toBe(vote.attestation.observedAt)
    expect(await validator.submit(mint(2, first.id, 99))).toMatchObject({ reason: 'Equivocation' })
    const { accounts, applied } = await store.everything()
    expect(accounts.get(BEN.did)).toMatchObject({ balance: 600n, seq: 0 })
    expect(accounts.get(ADA.did)).toMatchObject({
      balance: 600n,
      seq: 1,
      head: pay.id,
      spent: 400n,
    })
    expect(applied.map(({ id }) => id).toSorted()).toEqual([pay.id, first.id].toSorted())
  })
}

test('a validator that starts anew gives the same vote, and one started before writes no more', async () => {
  const ledger = ledgerOf()
  const before = await onPostgres(ledger)
  const order = orderOf(ledger.town, ADA, { credits: [{ to: BEN.did, amount: 5 }] })
  const vote = attested(await before.validator.submit(order))
  const after = await onPostgres(ledger)
  const rival = orderOf(ledger.town, ADA, { credits: [{ to: BEN.did, amount: 6 }] })
  expect(await after.validator.submit(rival)).toMatchObject({ reason: 'Equivocation' })
  expect(attested(await after.validator.submit(order)).about).toEqual(vote.about)
  const other = orderOf(ledger.town, POOL, {
    kind: 'karma_reward',
    credits: [{ to: BEN.did, amount: 5 }],
  })
  await expect(before.validator.submit(other)).rejects.toThrow(/another process/)
})

test('two votes for one number break the key of the table, whatever decided them', async () => {
  const ledger = ledgerOf()
  const { store, validator } = await onPostgres(ledger)
  const order = orderOf(ledger.town, ADA, { credits: [{ to: BEN.did, amount: 5 }] })
  attested(await validator.submit(order))
  const { account, transfer, id, senderKey, bytes: record } = order
  const lock = { account, seq: transfer.seq, id, senderKey, observedAt: NOON, record }
  await expect(store.commit([{ change: 'lock', lock }])).rejects.toThrow(/lock_pkey/)
})

test('of what others tell only that is new which the books do not have byte for byte', async () => {
  const ledger = ledgerOf()
  const { validator } = await onPostgres(ledger)
  const { town, genesis } = ledger
  const order = orderOf(town, ADA, { credits: [{ to: BEN.did, amount: 5 }] })
  const { about, attestation } = attested(await validator.submit(order))
  const locked = assemble(about, [attestation])
  attested(await validator.apply(order, locked))
  const certificate = encodeRecord(locked)
  const { account, bytes: record } = order
  const rival = orderOf(town, ADA, { credits: [{ to: BEN.did, amount: 6 }] }).bytes
  const known = { account, record, certificate }
  const others = [
    { ...known, record: rival },
    { ...known, account: BEN.did },
    { ...known, account: `${account}\0` },
    { ...known, record: new Uint8Array([1, 2]) },
    { ...known, record: encodeRecord({ seq: 'one' }) },
  ]
  const sql = database.pool as never
  expect(await notApplied(sql, genesis.id, [known, ...others, known])).toEqual(others)
  expect(await notApplied(sql, other(genesis.id), [known])).toEqual([known])
})

const other = (ledger: string) => ledger.replace(/.$/, '2')

test('books that know fewer starts than the key are refused', async () => {
  const ledger = ledgerOf()
  await onPostgres(ledger)
  writeFileSync(ledger.startsFile, '7\n')
  await expect(onPostgres(ledger)).rejects.toThrow(/restored from a backup/)
})

/** A validator that asks only itself what was sealed. */
function alone(opened: Awaited<ReturnType<typeof onPostgres>>) {
  const change: EpochChange = epochChange({
    opened,
    crypto: nativeCrypto,
    now: () => NOON,
    source: {
      async seal(_, epoch) {
        const found = await change.sealed(epoch)
        return found && { record: sealBytes(found.seal), transfers: found.transfers }
      },
      certificate: () => Promise.resolve(undefined),
    },
  })
  return change
}

test('a validator signs no epoch that pins a snapshot of persons it has not seen', async () => {
  const ledger = ledgerOf()
  const { genesis, signer, town } = ledger
  const opened = await onPostgres(ledger)
  const change = alone(opened)
  await change.seal(0)
  const { cid } = (await change.sealed(0))!
  const seals = [{ validator: DID, cid }]
  const outcome = await change.conclude(seals)
  if (isRefusal(outcome)) throw new Error(outcome.detail)
  const persons = [{ did: BEN.did, bucket: 2, cluster: BEN.did }]
  const snapshot = encodeRecord(snapshotOf(1, persons, genesis.id))
  const draft: Epoch = {
    ...genesis.epoch,
    ledger: genesis.id,
    epoch: 1,
    prev: genesis.id,
    grants: [{ kind: 'karma_reward', amount: 500, pool: POOL.did, bucketCaps: [1, 1, 9, 1, 1, 1] }],
    personhood: cidOfBytes(nativeCrypto, snapshot),
    handover: { seals, ...outcome.roots },
    signatures: [],
  }
  const read = (epoch: Epoch) => {
    const found = readEpoch(nativeCrypto, encodeRecord(epoch))
    if (isRefusal(found)) throw new Error(found.detail)
    return found
  }
  const WRONG = { reason: 'WrongPersonhood' }
  const next = read(draft)
  expect(await change.sign(next)).toMatchObject(WRONG)
  const other = encodeRecord(snapshotOf(1, [], genesis.id))
  expect(await change.sign(next, other)).toMatchObject(WRONG)
  const ahead = encodeRecord(snapshotOf(2, persons, genesis.id))
  const early = read({ ...draft, personhood: cidOfBytes(nativeCrypto, ahead) })
  expect(await change.sign(early, ahead)).toMatchObject(WRONG)
  // What was refused was not promised to anybody.
  const signed = await change.sign(next, snapshot)
  if (isRefusal(signed)) throw new Error(signed.detail)
  expect(await change.sign(read({ ...draft, grants: [] }), snapshot)).toMatchObject({
    reason: 'Equivocation',
  })
  const whole = read({ ...draft, signatures: [signed.signature] })
  expect(await change.enter(whole)).toMatchObject(WRONG)
  expect(await change.enter(whole, snapshot)).toEqual({ ok: true })
  const reward = (amount: number) =>
    orderOf(town, POOL, { epoch: 1, kind: 'karma_reward', credits: [{ to: BEN.did, amount }] })
  const cap = { reason: 'OverRecipientCap' }
  expect(await opened.validator.submit(reward(10))).toMatchObject(cap)
  // So it does after a restart, by the snapshot in its books.
  const again = await onPostgres({ ...ledger, signer })
  expect(await again.validator.submit(reward(10))).toMatchObject(cap)
  expect(await again.validator.submit(reward(9))).toMatchObject({ ok: true })
})
