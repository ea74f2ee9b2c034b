import { readFile } from 'node:fs/promises'
import type { Timers } from './clock.ts'
import type { Config } from './config.ts'
import { keptEpochs } from './appview/tokens/epoch-chain.ts'
import { nativeCrypto as crypto } from './crypto/native.ts'
import { p256Signer } from './crypto/p256.ts'
import type { Database } from './database/database.ts'
import { migrate } from './database/migrate.ts'
import { openKysely } from './database/pool.ts'
import type { SqlPool } from './database/sql.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import { readGenesis } from './ledger-setting.ts'
import type { Log } from './log.ts'
import type { Outbound } from './outbound/fetch.ts'
import type { NodeKeys } from './pds/secrets.ts'
import type { ReadEpoch } from './tokens/epoch.ts'
import { catchUp } from './validator/catch-up.ts'
import { keepHeard } from './validator/epoch-books.ts'
import { followEpochs, takeOwn } from './validator/follow-epochs.ts'
import { type KnownEpochs, knownEpochs } from './validator/known-epochs.ts'
import { migrations } from './validator/migrations/index.ts'
import { listEpochRecords } from './validator/read-ledger.ts'
import type { Seat } from './validator/seat.ts'
import { takeSeat } from './validator/take-seat.ts'

/** Epochs that are read from the database at once. */
const OWN_MAX = 1_000

/** The token ledger of a node: which it follows, and what it validates with where it does. */
export type NodeLedger = AsyncDisposable & {
  /** The epochs of the ledger as far as they are known; undefined on a node that follows none. */
  readonly epochs: KnownEpochs | undefined
  readonly seat: Seat
  /** Begins to follow the epochs, to validate once one names this node, and to take from other
   *  validators what was missed. */
  begin(): void
}

type Options = {
  readonly config: Config
  readonly keys: Pick<NodeKeys, 'validatorKeyHex' | 'validatorStarts'>
  readonly database: Database
  readonly resolver: Pick<IdentityResolver, 'resolve'>
  readonly outbound: Outbound
  readonly timers: Timers
  readonly log: Log
}

/** Opens the ledger that the settings name, if any; throws when its first epoch cannot be read, or
 *  when the validator's key must not sign any more. */
export async function openLedger(options: Options): Promise<NodeLedger> {
  const { config, keys, database, resolver, outbound, timers, log } = options
  await migrate({ db: openKysely(database.pool), schema: 'ledger', migrations })
  const file = config.ANGELOS_TOKEN_GENESIS
  const genesis = file === undefined ? undefined : readGenesis(file, await readFile(file, 'utf8'))
  const sql = database.pool as unknown as SqlPool
  if (!genesis) {
    const none = { epochs: undefined, sql, desk: () => undefined, validating: () => undefined }
    return { epochs: undefined, seat: none, begin: () => {}, [Symbol.asyncDispose]: async () => {} }
  }
  const epochs = knownEpochs(crypto, genesis)
  const following = { epochs, ...sourcesOf(sql, genesis.id) }
  await takeOwn(following)
  const signer = p256Signer(Buffer.from(keys.validatorKeyHex, 'hex'))
  const resolve = (did: string, how?: { refresh: boolean }) => resolver.resolve(did, how)
  const shared = { sql, crypto, fetch: outbound, timers, log }
  const startsFile = keys.validatorStarts
  const seat = await takeSeat({ ...shared, epochs, signer, startsFile, resolve })
  const stop = new AbortController()
  let running: Promise<unknown> | undefined
  return {
    epochs,
    seat,
    begin: () => {
      const { signal } = stop
      const desk = () => seat.validating()?.desk
      const afterwards = () => seat.keepUp()
      const rounds = { ...shared, ...following, key: signer.didKey, afterwards }
      running = Promise.all([catchUp({ ...shared, desk }, signal), followEpochs(rounds, signal)])
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

/** Epochs that the books have and that the views have found. They are checked like any others. */
function sourcesOf(sql: SqlPool, ledger: string) {
  return {
    own: async (from: number) => {
      const stored = await listEpochRecords(sql, ledger, { from, limit: OWN_MAX })
      const found = await keptEpochs(sql, ledger, { from, limit: OWN_MAX })
      return [...stored, ...found]
    },
    keep: (found: readonly ReadEpoch[]) => keepHeard(sql, ledger, found),
  }
}
