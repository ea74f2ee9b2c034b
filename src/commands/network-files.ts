import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { systemClock } from '../clock.ts'
import { type Config, readConfig } from '../config.ts'
import { silentLog } from '../log.ts'
import { readGenesis, withOwnLedger } from '../ledger-setting.ts'
import type { Outbound } from '../outbound/fetch.ts'
import { type ReadEpoch, type ValidatorEntry, validatorShape } from '../tokens/epoch.ts'
import { nativeCrypto } from '../crypto/native.ts'
import { fetchEpochs } from '../validator/fetch-epochs.ts'
import { UsageError, fileFault } from './command.ts'
import { lookOutside } from './outside.ts'

const FILE_MAX = 1_000_000

/** The ledger that this machine's node takes part in, as far as its validators tell it. */
export type OwnLedger = {
  readonly config: Config
  readonly fetch: Outbound
  /** Its epochs; never empty. */
  readonly chain: readonly ReadEpoch[]
  readonly current: ReadEpoch
  readonly now: () => string
}

/** Opens the ledger of this node's settings or data folder; throws `UsageError` without one. */
export async function openOwnLedger(): Promise<OwnLedger> {
  const settings = readConfig()
  const config = await withOwnLedger(settings, resolve(settings.ANGELOS_DATA_DIR))
  const file = config.ANGELOS_TOKEN_GENESIS
  if (file === undefined)
    throw new UsageError('This node takes part in no ledger: "network join FILE" names one.')
  const genesis = readGenesis(file, await readFile(file, 'utf8'))
  const { outbound: fetch } = lookOutside(config, silentLog)
  const chain = await fetchEpochs({ crypto: nativeCrypto, fetch }, genesis)
  const now = () => systemClock.now().toISOString()
  return { config, fetch, chain, current: chain.at(-1)!, now }
}

/** A validator as "network join" has told it of itself. */
export async function readEntry(file: string): Promise<ValidatorEntry> {
  const value = await readJsonFile(file)
  const fault = validatorShape(value, 'validator')
  if (fault !== undefined) throw new UsageError(`${file} names no validator: ${fault}`)
  return value as ValidatorEntry
}

/** What is in a file of JSON of at most a megabyte. */
export async function readJsonFile(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch(fileFault)
  if (text.length > FILE_MAX) throw new UsageError(`${file} is larger than ${FILE_MAX} bytes.`)
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(`${file} is not JSON.`)
  }
}
