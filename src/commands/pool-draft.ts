import { readFile } from 'node:fs/promises'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { p256Signer } from '../crypto/p256.ts'
import type { Outbound } from '../outbound/fetch.ts'
import { readLimitedJson } from '../outbound/read-limited.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { reviveBytes } from '../tokens/json-bytes.ts'
import { isRefusal } from '../tokens/refusal.ts'
import type { TokenSigner } from '../tokens/token-crypto.ts'
import { TRANSFER, type Transfer, readTransfer } from '../tokens/transfer.ts'
import type { AccountSession } from './account-session.ts'
import { UsageError, fileFault } from './command.ts'

const RECORD_BYTES_MAX = 100_000

/** The transfer under a key of a repo, as its PDS has it; undefined when there is none. */
export async function findTransfer(
  fetch: Outbound,
  { did, service }: Pick<AccountSession, 'did' | 'service'>,
  rkey: string,
): Promise<Transfer | undefined> {
  const query = new URLSearchParams({ repo: did, collection: TRANSFER, rkey })
  const answer = await fetch(`${service}/xrpc/com.atproto.repo.getRecord?${query.toString()}`)
  const body = (await readLimitedJson(answer, RECORD_BYTES_MAX)) as { value?: unknown }
  if (!answer.ok) return undefined
  const read = readTransfer(crypto, did, encodeRecord(reviveBytes(body.value) as object))
  if (isRefusal(read)) throw new UsageError(`${rkey} of ${did} is no transfer: ${read.detail}`)
  return read.transfer
}

/** Writes a transfer under its key, in the place of what is there. */
export async function putTransfer(
  session: AccountSession,
  rkey: string,
  transfer: Transfer,
): Promise<void> {
  const record = JSON.parse(JSON.stringify(transfer)) as object
  const body = { repo: session.did, collection: TRANSFER, rkey, record }
  await session.call('com.atproto.repo.putRecord', body)
}

/** The key of P-256 in a file, 64 hexadecimal digits. */
export async function readSigner(file: string): Promise<TokenSigner> {
  const text = (await readFile(file, 'utf8').catch(fileFault)).trim()
  if (!/^[0-9a-f]{64}$/.test(text)) throw new UsageError(`${file} is no key: 64 digits of 0 to f.`)
  return p256Signer(Buffer.from(text, 'hex'))
}
