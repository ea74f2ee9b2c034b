import { readFile } from 'node:fs/promises'
import type { Timers } from './clock.ts'
import type { Config } from './config.ts'
import { nativeCrypto } from './crypto/native.ts'
import { p256Signer } from './crypto/p256.ts'
import type { Database } from './database/database.ts'
import { migrate } from './database/migrate.ts'
import { openKysely } from './database/pool.ts'
import type { SqlPool } from './database/sql.ts'
import type { IdentityResolver } from './identity/resolver.ts'
import type { Log } from './log.ts'
import type { Outbound } from './outbound/fetch.ts'
import type { NodeKeys } from './pds/secrets.ts'
import type { ReadEpoch } from './tokens/epoch.ts'
import { readEpochJson } from './tokens/epoch-json.ts'
import { isRefusal } from './tokens/refusal.ts'
import { catchUp } from './validator/catch-up.ts'
import { type Desk, openDesk } from './validator/desk.ts'
import { type EpochChange, epochChange } from './validator/epoch-change.ts'
import { httpSeals } from './validator/http-seals.ts'
import { migrations } from './validator/migrations/index.ts'
import { openValidator } from './validator/open-validator.ts'

/** The token ledger of a node: which it follows, and its validator where it is one. */
export type NodeLedger = AsyncDisposable & {
  readonly genesis: ReadEpoch | undefined
  readonly validating: { readonly desk: Desk; readonly change: EpochChange } | undefined
  /** Begins to take from other validators what was missed. */
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
  const genesis = await readGenesis(config.ANGELOS_TOKEN_GENESIS)
  const signer = p256Signer(Buffer.from(keys.validatorKeyHex, 'hex'))
  const entry = genesis?.epoch.validators.find(({ key }) => key === signer.didKey)
  if (!genesis || !entry) {
    return {
      genesis,
      validating: undefined,
      begin: () => {},
      [Symbol.asyncDispose]: async () => {},
    }
  }
  const sql = database.pool as unknown as SqlPool
  const startsFile = keys.validatorStarts
  const crypto = nativeCrypto
  const parts = { sql, genesis, did: entry.did, signer, crypto, clock: timers, startsFile }
  const opened = await openValidator(parts)
  const resolve = (did: string, how?: { refresh: boolean }) => resolver.resolve(did, how)
  const desk = openDesk({ opened, sql, crypto, clock: timers, resolve })
  const stop = new AbortController()
  let following: Promise<void> | undefined
  const now = () => timers.now().toISOString()
  const source = httpSeals(outbound, genesis.id, () => opened.validator.current().epoch.validators)
  const change = epochChange({ opened, crypto, source, now })
  log.info({ ledger: genesis.id, validator: entry.did }, 'this node validates a token ledger')
  return {
    genesis,
    validating: { desk, change },
    begin: () => {
      following = catchUp({ desk, fetch: outbound, sql, timers, log }, stop.signal)
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await following
    },
  }
}

async function readGenesis(file: string | undefined): Promise<ReadEpoch | undefined> {
  if (file === undefined) return undefined
  const read = readEpochJson(nativeCrypto, await readFile(file, 'utf8'))
  if (isRefusal(read)) throw new Error(`${file} holds no first epoch: ${read.detail}`)
  if (read.epoch.epoch !== 0) throw new Error(`${file} holds epoch ${read.epoch.epoch}, not 0`)
  return read
}
