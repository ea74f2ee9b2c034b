import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isValidDid, isValidHandle } from '@atproto/syntax'
import { systemClock } from '../clock.ts'
import { readConfig } from '../config.ts'
import { p256Signer } from '../crypto/p256.ts'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import type { Identity } from '../identity/identity.ts'
import { silentLog } from '../log.ts'
import { readGenesis } from '../ledger-setting.ts'
import type { Outbound } from '../outbound/fetch.ts'
import type { ReadEpoch } from '../tokens/epoch.ts'
import type { TokenSigner } from '../tokens/token-crypto.ts'
import { fetchEpochs } from '../validator/fetch-epochs.ts'
import { callHost } from './account-session.ts'
import { UsageError, fileFault } from './command.ts'
import { openOwnLedger } from './network-files.ts'
import { lookOutside } from './outside.ts'

/** Options that say where a wallet is. */
export const PLACE_OPTIONS = {
  account: { type: 'string' },
  service: { type: 'string' },
  genesis: { type: 'string' },
} as const

/** The ledger and the account that a wallet is about. */
export type WalletPlace = {
  readonly fetch: Outbound
  /** The epochs of the ledger; the last one is current. */
  readonly chain: readonly ReadEpoch[]
  readonly current: ReadEpoch
  readonly identity: Identity
  /** Origin of the account's PDS. */
  readonly service: string
  /** The DID that somebody names by it or by a handle. */
  didOf(name: string): Promise<string>
  readonly now: () => string
  /** Where a wallet keeps what has to outlive it. */
  readonly dataDir: string
}

/** Opens a wallet's ledger and account; throws `UsageError` for what is not there. */
export async function openPlace(asked: {
  account?: string | undefined
  service?: string | undefined
  genesis?: string | undefined
}): Promise<WalletPlace> {
  const { account, genesis: file } = asked
  if (account === undefined) throw new UsageError('Say with --account whose wallet it is.')
  const config = readConfig()
  const { outbound: fetch, resolver } = lookOutside(config, silentLog)
  const host = asked.service ?? config.localUrl
  const didOf = async (name: string) => {
    if (isValidDid(name)) return name
    if (!isValidHandle(name)) throw new UsageError(`${name} is neither a DID nor a handle.`)
    const nsid = 'com.atproto.identity.resolveHandle'
    const found = callHost<{ did: string }>(host, nsid, { params: { handle: name } })
    return (await found.catch(() => unknown(name))).did
  }
  const did = await didOf(account)
  const identity = (await resolver.resolve(did)) ?? unknown(account)
  const now = () => systemClock.now().toISOString()
  const chain = file === undefined ? (await openOwnLedger()).chain : await chainOf(fetch, file)
  const service = asked.service ?? identity.pds
  const dataDir = resolve(config.ANGELOS_DATA_DIR)
  return { fetch, chain, current: chain.at(-1)!, identity, service, didOf, now, dataDir }
}

function unknown(name: string): never {
  throw new UsageError(`Nobody is found by ${name}.`)
}

async function chainOf(fetch: Outbound, file: string): Promise<readonly ReadEpoch[]> {
  const text = await readFile(file, 'utf8').catch(fileFault)
  return fetchEpochs({ crypto, fetch }, readGenesis(file, text))
}

/** The device key in a file: 64 hexadecimal digits, of P-256. */
export async function readDeviceKey(file: string): Promise<TokenSigner> {
  const text = (await readFile(file, 'utf8').catch(fileFault)).trim()
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new UsageError(`${file} is no key: 64 digits from 0 to f.`)
  try {
    return p256Signer(Buffer.from(text, 'hex'))
  } catch {
    throw new UsageError(`${file} holds a number that is no key of P-256.`)
  }
}

/** The record of a transfer with the proof that it is in its repo, as validators take it. */
export async function recordProof(
  { service, identity }: Pick<WalletPlace, 'service' | 'identity'>,
  collection: string,
  rkey: string,
): Promise<Uint8Array> {
  const query = new URLSearchParams({ did: identity.did, collection, rkey })
  const answer = await fetch(`${service}/xrpc/com.atproto.sync.getRecord?${query.toString()}`)
  if (!answer.ok) throw new UsageError(`${service} proves no ${collection} ${rkey}.`)
  return new Uint8Array(await answer.arrayBuffer())
}
