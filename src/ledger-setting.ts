import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { nativeCrypto } from './crypto/native.ts'
import { readEpochJson } from './tokens/epoch-json.ts'
import type { ReadEpoch } from './tokens/epoch.ts'
import { isRefusal } from './tokens/refusal.ts'

/** Where a node finds the first epoch of its ledger when no setting says it. */
export function genesisFile(dataDir: string): string {
  return join(dataDir, 'ledger', 'genesis.json')
}

/**
 * The settings with the ledger that the node takes part in: its first epoch is in the file that is
 * set, or in the data folder, and the views follow it beside the ledgers that are set. Throws when
 * a file is there and holds no first epoch.
 */
export async function withOwnLedger(config: Config, dataDir: string): Promise<Config> {
  const set = config.ANGELOS_TOKEN_GENESIS
  const file = set ?? genesisFile(dataDir)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (set === undefined) return undefined
    throw error
  })
  if (text === undefined) return config
  const { id, epoch } = readGenesis(file, text)
  const own = `${id}@${epoch.governance}`
  const others = config.ANGELOS_TOKEN_LEDGER.filter((one) => one !== own)
  return { ...config, ANGELOS_TOKEN_GENESIS: file, ANGELOS_TOKEN_LEDGER: [own, ...others] }
}

/** The first epoch of a ledger from what is in a file; throws when it is none. */
export function readGenesis(file: string, text: string): ReadEpoch {
  const read = readEpochJson(nativeCrypto, text)
  if (isRefusal(read)) throw new Error(`${file} holds no first epoch: ${read.detail}`)
  if (read.epoch.epoch !== 0) throw new Error(`${file} holds epoch ${read.epoch.epoch}, not 0`)
  return read
}
