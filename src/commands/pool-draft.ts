import { nativeCrypto as crypto } from '../crypto/native.ts'
import type { Outbound } from '../outbound/fetch.ts'
import { readLimitedJson } from '../outbound/read-limited.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { reviveBytes } from '../tokens/json-bytes.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { TRANSFER, type Transfer, readTransfer } from '../tokens/transfer.ts'
import type { AccountSession } from './account-session.ts'
import { UsageError } from './command.ts'

const RECORD_BYTES_MAX = 100_000

/** The transfer under a key of a repo, as its PDS has it; undefined when there is none. */
export async function findTransfer(
  fetch: Outbound,
  { did, service }: Pick<AccountSession, 'did' | 'service'>,
  rkey: string,
): Promise<Transfer | undefined> {
  const query = new URLSearchParams({ repo: did, collection: TRANSFER, rkey })
  const answer = await fetch(`${service}/xrpc/com.atproto.repo.getRecord?${query.toString()}`)
  type Body = { value?: unknown; error?: string; message?: string }
  const body = (await readLimitedJson(answer, RECORD_BYTES_MAX)) as Body
  // A host that is out of order has not said that there is none.
  if (!answer.ok && body.error !== 'RecordNotFound')
    throw new UsageError(`${service} does not show ${rkey} of ${did}: ${body.message}`)
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
