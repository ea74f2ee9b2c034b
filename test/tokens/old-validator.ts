import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nativeCrypto } from '../../src/crypto/native.ts'
import { p256Signer } from '../../src/crypto/p256.ts'
import { migrate } from '../../src/database/migrate.ts'
import { openKysely } from '../../src/database/pool.ts'
import type { SqlPool } from '../../src/database/sql.ts'
import { assemble } from '../../src/tokens/certificate.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import { type Epoch, epochId, readEpoch, signEpoch } from '../../src/tokens/epoch.ts'
import type { SealedSet } from '../../src/tokens/handover.ts'
import type { Order } from '../../src/tokens/ledger-view.ts'
import { quorumOf } from '../../src/tokens/quorum.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { sealEpoch } from '../../src/tokens/seal.ts'
import type { Transfer } from '../../src/tokens/transfer.ts'
import { type EpochChange, epochChange } from '../../src/validator/epoch-change.ts'
import { migrations } from '../../src/validator/migrations/index.ts'
import { type OpenedValidator, openValidator } from '../../src/validator/open-validator.ts'
import { type NativeDatabase, nativeDatabase } from '../database/native.ts'
import { NOON, type Payer, attested, didOf, firstEpoch, orderOf, payer } from './town.ts'

export const TOKEN = 1_000_000
export const [ADA, BEN, POOL] = [payer('ada'), payer('ben'), payer('pool')] as const
export const OLD = { did: didOf('old'), signer: p256Signer(), endpoint: 'https://old.test' }
export const NEW = { did: didOf('new'), signer: p256Signer(), endpoint: 'https://new.test' }
/** Signs what the old one signs, so that there is a quorum without the new one. */
export const PUPPET = {
  did: didOf('puppet'),
  signer: p256Signer(),
  endpoint: 'https://puppet.test',
}
export const clock = { now: () => new Date(NOON) }

/** The first epoch: the old validator alone, Ada has 50 AT and a pool may give 5. */
export const GENESIS = read(
  firstEpoch(
    [{ did: OLD.did, key: OLD.signer.didKey }],
    [
      { kind: 'system_grant', amount: 50 * TOKEN, to: ADA.did },
      { kind: 'karma_reward', amount: 5 * TOKEN, pool: POOL.did },
    ],
  ),
)

/** An epoch as it is read. */
export function read(epoch: Epoch) {
  const found = readEpoch(nativeCrypto, encodeRecord(epoch))
  if (isRefusal(found)) throw new Error(found.detail)
  return found
}

/** What an epoch says of these validators. */
export const committee = (...members: readonly (typeof OLD)[]) =>
  members.map(({ did, signer, endpoint }) => ({ did, key: signer.didKey, endpoint }))

/** A signed transfer of this ledger. */
export const order = (from: Payer, more: Partial<Transfer> & Pick<Transfer, 'credits'>) =>
  orderOf({ genesis: GENESIS, crypto: nativeCrypto, now: NOON }, from, more)

/** A validator that has gone from the first epoch into the next one, in which there are three. */
export type OldValidator = AsyncDisposable & {
  readonly folder: string
  readonly sql: SqlPool
  readonly opened: OpenedValidator
  readonly change: EpochChange
  /** What Ada has paid Ben in the first epoch. */
  readonly first: Order
  readonly epochOne: Epoch
  /** Books of somebody else. */
  books(): Promise<SqlPool>
  /** The next epoch of these validators, signed by the old one and its puppet. */
  conclude(validators: Epoch['validators'], grants: Epoch['grants']): Promise<Epoch>
}

/** Lets Ada pay Ben 20 AT in the first epoch, and ends it. */
export async function oldValidator(): Promise<OldValidator> {
  const folder = mkdtempSync(join(tmpdir(), 'angelos-joining-'))
  const databases: NativeDatabase<unknown>[] = []
  const books = async () => {
    const database = await nativeDatabase()
    databases.push(database)
    await migrate({ db: openKysely(database.pool), schema: 'ledger', migrations })
    return database.pool as unknown as SqlPool
  }
  const sql = await books()
  const { opened, change } = await openOld(sql, join(folder, 'old'))
  const conclude: OldValidator['conclude'] = (...next) => concludeEpoch({ opened, change }, ...next)
  const first = order(ADA, { credits: [{ to: BEN.did, amount: 20 * TOKEN }] })
  const { about, attestation } = attested(await opened.validator.submit(first))
  attested(await opened.validator.apply(first, assemble(about, [attestation])))
  const epochOne = await conclude(committee(OLD, NEW, PUPPET), [
    { kind: 'system_grant', amount: TOKEN, to: BEN.did },
    { kind: 'karma_reward', amount: 7 * TOKEN, pool: POOL.did },
  ])
  const entered = await change.enter(read(epochOne))
  if (isRefusal(entered)) throw new Error(entered.detail)
  return {
    folder,
    sql,
    opened,
    change,
    first,
    epochOne,
    books,
    conclude,
    async [Symbol.asyncDispose]() {
      for (const database of databases) await database.close()
      rmSync(folder, { recursive: true })
    },
  }
}

type Parts = Pick<OldValidator, 'opened' | 'change'>

async function openOld(sql: SqlPool, startsFile: string): Promise<Parts> {
  const { did, signer } = OLD
  const crypto = nativeCrypto
  const books = { sql, genesis: GENESIS, did, signer, crypto, clock, startsFile }
  const opened = await openValidator(books)
  const source = {
    seal: async (validator: string, epoch: number) => {
      const found = await change.sealed(epoch)
      if (!found) return undefined
      const { seal } = validator === OLD.did ? found : puppetSeal(opened, found)
      return { record: encodeRecord(seal), transfers: found.transfers }
    },
    certificate: () => Promise.resolve(undefined),
  }
  const change: EpochChange = epochChange({ opened, crypto, now: () => NOON, source })
  return { opened, change }
}

function puppetSeal(opened: OpenedValidator, { transfers }: SealedSet) {
  const { committee: at } = opened.validator.current()
  const of = { committee: at, validator: PUPPET.did, transfers, participation: [], now: NOON }
  return sealEpoch(nativeCrypto, PUPPET.signer, of)
}

async function concludeEpoch(
  { opened, change }: Parts,
  validators: Epoch['validators'],
  grants: Epoch['grants'],
): Promise<Epoch> {
  const { epoch: before, committee: at } = opened.validator.current()
  await change.seal(before.epoch)
  const sealed = (await change.sealed(before.epoch))!
  const all = [
    { validator: OLD.did, cid: sealed.cid },
    { validator: PUPPET.did, cid: puppetSeal(opened, sealed).cid },
  ]
  const seals = all.slice(0, at.keys.size > 1 ? 2 : 1)
  const outcome = await change.conclude(seals)
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
  const signed = await change.sign(read(draft))
  if (isRefusal(signed)) throw new Error(signed.detail)
  const second = signEpoch(PUPPET.signer, PUPPET.did, epochId(nativeCrypto, draft))
  return { ...draft, signatures: [signed.signature, second].slice(0, seals.length) }
}
