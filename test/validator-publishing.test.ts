import { fromBytes } from '@atcute/cbor'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkRecord } from '../src/appview/check-record.ts'
import { nativeCrypto as crypto } from '../src/crypto/native.ts'
import { BATCH } from '../src/tokens/attestation.ts'
import { cidBytesOf, cidOf, encodeRecord } from '../src/tokens/encoding.ts'
import { committeeOf } from '../src/tokens/epoch.ts'
import { reviveBytes } from '../src/tokens/json-bytes.ts'
import { SEAL, type Seal, readSeal } from '../src/tokens/seal.ts'
import { type Standing, stateRoot } from '../src/tokens/state-root.ts'
import { kindsOf, publishDue } from '../src/validator/publish-ledger.ts'
import type { LedgerPut, Publisher } from '../src/validator/unpublished.ts'
import {
  ADA,
  BEN,
  GENESIS,
  OLD,
  type OldValidator,
  oldValidator,
  order,
  read,
} from './tokens/old-validator.ts'
import { NOON, attested, didOf } from './tokens/town.ts'

const NODE = didOf('nodeaccount')
let old: OldValidator
let repo: Map<string, LedgerPut['record']>
let commits: number

beforeAll(async () => {
  old = await oldValidator()
  repo = new Map()
  commits = 0
})
afterAll(() => old[Symbol.asyncDispose]())

/** Writes into a repo in memory what this node would show. */
async function publish(puts: readonly LedgerPut[]): Promise<void> {
  commits += 1
  for (const { collection, rkey, record } of puts) {
    checkRecord({ did: NODE, collection, rkey }, record)
    repo.set(`${collection}/${rkey}`, record)
  }
}

const round = (how = publish) => {
  const chain = [GENESIS, read(old.epochOne)]
  const { did, signer } = OLD
  const { code } = GENESIS.epoch
  const books = { sql: old.sql, ledger: GENESIS.id, code, did }
  const by: Publisher = { ...books, crypto, signer, chain, now: () => NOON }
  return publishDue({ publisher: () => by, publish: how }, kindsOf())
}

const keys = () => [...repo.keys()].toSorted()
const at = <T>(key: string) => reviveBytes(repo.get(key)) as T

test('a validator publishes its seal and the accounts at the end of the epoch, as they were signed', async () => {
  await round()
  expect(keys()).toEqual(['co.kendev.tokens.checkpoint/at.0.1', 'co.kendev.tokens.seal/at.0'])
  const seal = at<Seal>(`${SEAL}/at.0`)
  expect(readSeal(crypto, encodeRecord(seal), committeeOf(GENESIS))).toMatchObject({ ok: true })
  type Told = { account: string; balance: number; seq: number; head?: string }
  const { accounts } = at<{ accounts: Told[] }>('co.kendev.tokens.checkpoint/at.0.1')
  const standing = accounts.map(({ account, balance, ...rest }): Standing => {
    return { did: account, balance: BigInt(balance), ...rest }
  })
  const root = Buffer.from(stateRoot(crypto, standing)).toString('base64').replaceAll('=', '')
  expect(root).toBe(old.epochOne.handover!.stateRoot.$bytes)
  await round()
  expect(commits).toBe(2)
})

test('heads of batches are published in their chain, with a signature over each', async () => {
  const { validator } = old.opened
  const credits = [{ to: BEN.did, amount: 5 }]
  const pay = order(ADA, { epoch: 1, seq: 2, prev: old.first.id, credits })
  const back = order(BEN, { epoch: 1, credits: [{ to: ADA.did, amount: 6 }] })
  // The first is decided by itself and the others meanwhile come together; votes are given again.
  for (let time = 0; time < 2; time += 1) {
    const votes = await Promise.all([pay, back, pay].map((one) => validator.submit(one)))
    for (const vote of votes) attested(vote)
  }
  await round()
  const heads = [1, 2].map((n) => at<Record<string, unknown>>(`${BATCH}/at.1.${n}`))
  for (const { signature, ...content } of heads) {
    const bytes = cidBytesOf(crypto, content)
    const check = { didKey: OLD.signer.didKey, bytes, signature: fromBytes(signature as never) }
    expect(crypto.verify(check)).toBe(true)
  }
  const { signature: _, ...first } = heads[0]!
  expect(heads[1]!['previous']).toBe(cidOf(crypto, first))
})

test('who has signed two transfers with one number is shown by both, once, whatever is killed', async () => {
  const credits = [{ to: BEN.did, amount: 7 }]
  const rival = order(ADA, { epoch: 1, seq: 2, prev: old.first.id, credits })
  expect(await old.opened.validator.submit(rival)).toMatchObject({ reason: 'Equivocation' })
  const killed = async (puts: readonly LedgerPut[]) => {
    await publish(puts)
    throw new Error('killed')
  }
  await expect(round(killed)).rejects.toThrow('killed')
  const before = keys()
  expect(before.filter((key) => key.includes('.evidence/'))).toHaveLength(1)
  await round()
  expect(keys()).toEqual(before)
})
