import { nativeCrypto as crypto } from '../crypto/native.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import { reviveBytes } from '../tokens/json-bytes.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { type ReadTransfer, TRANSFER, type Transfer, readTransfer } from '../tokens/transfer.ts'
import { type AccountSession, HostError } from './account-session.ts'
import { UsageError } from './command.ts'

/** A transfer that stands in the repo and is not applied. */
export type Begun = { readonly cid: string; readonly read: ReadTransfer }

/** The transfer under a key of the repo, if there is one. */
export async function findBegun(session: AccountSession, rkey: string): Promise<Begun | undefined> {
  const asked = { repo: session.did, collection: TRANSFER, rkey }
  type Found = { cid: string; value: unknown }
  const found = await session
    .get<Found>('com.atproto.repo.getRecord', asked)
    .catch((error: unknown) => {
      if (error instanceof HostError && error.error === 'RecordNotFound') return undefined
      throw error
    })
  if (!found) return undefined
  const read = readTransfer(crypto, session.did, encodeRecord(reviveBytes(found.value) as object))
  if (isRefusal(read)) throw new UsageError(`${rkey} in the repo is no transfer: ${read.detail}`)
  return { cid: found.cid, read }
}

/** Whether a transfer pays the same to the same account, as one that is sent a second time does. */
export function isSamePayment(
  { transfer }: Pick<ReadTransfer, 'transfer'>,
  { to, amount }: { readonly to: string; readonly amount: number },
): boolean {
  const [credit, ...more] = transfer.credits
  return more.length === 0 && credit?.to === to && credit.amount === amount
}

/** Writes a transfer and what is said about it, in the place of one that was begun or of none.
 *  Throws `UsageError` when another wallet has written there meanwhile. */
export async function putTransfer(
  session: AccountSession,
  entry: {
    readonly rkey: string
    readonly transfer: Transfer
    readonly memo?: { readonly $type: string }
    readonly begun?: Pick<Begun, 'cid'>
  },
): Promise<void> {
  const { rkey, transfer, memo, begun } = entry
  const put = (record: { readonly $type: string }, more: object) => {
    const body = { repo: session.did, collection: record.$type, rkey, record, ...more }
    return session.call('com.atproto.repo.putRecord', body)
  }
  if (memo) await put(memo, {})
  await put(transfer, { swapRecord: begun?.cid ?? null }).catch((error: unknown) => {
    if (error instanceof HostError && error.error === 'InvalidSwap')
      throw new UsageError('Another wallet has written the next number meanwhile; try again.')
    throw error
  })
}
