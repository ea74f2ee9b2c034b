import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nativeCrypto } from '../src/crypto/native.ts'
import { p256Signer } from '../src/crypto/p256.ts'
import { openKysely } from '../src/database/pool.ts'
import { migrate } from '../src/database/migrate.ts'
import { assemble } from '../src/tokens/certificate.ts'
import { encodeRecord } from '../src/tokens/encoding.ts'
import { readEpoch } from '../src/tokens/epoch.ts'
import type { LedgerStore } from '../src/tokens/ledger-store.ts'
import { memoryStore } from '../src/tokens/memory-store.ts'
import { isRefusal } from '../src/tokens/refusal.ts'
import { openEpoch } from '../src/tokens/settle.ts'
import { createValidator } from '../src/tokens/validator.ts'
import { migrations } from '../src/validator/migrations/index.ts'
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

test('books that know fewer starts than the key are refused', async () => {
  const ledger = ledgerOf()
  await onPostgres(ledger)
  writeFileSync(ledger.startsFile, '7\n')
  await expect(onPostgres(ledger)).rejects.toThrow(/restored from a backup/)
})
