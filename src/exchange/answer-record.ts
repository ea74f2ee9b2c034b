import { type Reason, type Refusal, isRefusal } from '../tokens/refusal.ts'
import { encodeRecord } from '../tokens/encoding.ts'
import type { ReadEpoch } from '../tokens/epoch.ts'
import type { TokenCrypto, TokenSigner } from '../tokens/token-crypto.ts'
import {
  type StrongRef,
  TRANSFER,
  type Transfer,
  readTransfer,
  signSpend,
  transferId,
} from '../tokens/transfer.ts'
import type { AccountState } from './agreed-state.ts'

/** What a provider is to do about a payment: to give on the other ledger, or to give back. */
export type Answer = {
  /** The payment: what the transfer answers. */
  readonly paid: StrongRef
  readonly quote: StrongRef
  readonly leg: 'delivered' | 'refund'
  readonly to: string
  /** micro-tokens of `ledger` */
  readonly amount: bigint
  /** The ledger that it is given on. */
  readonly ledger: string
  /** Both ledgers of the exchange. */
  readonly ledgers: readonly string[]
  readonly toTenant?: string
}

/** The next transfer of an account, which answers a payment. Throws when it would be none. */
export function answerRecord(
  crypto: TokenCrypto,
  of: {
    readonly account: string
    readonly answer: Answer
    readonly at: ReadEpoch
    readonly state: AccountState
    readonly now: string
    /** The device key of the account; absent for one that has none. */
    readonly signer: TokenSigner | undefined
  },
): { readonly record: Transfer; readonly id: string } {
  const { account, answer, at, state, now, signer } = of
  const { paid, quote, leg, to, amount, ledger, toTenant } = answer
  const bare: Transfer = {
    $type: TRANSFER,
    ledger,
    epoch: at.epoch.epoch,
    seq: state.seq + 1,
    ...(state.head !== undefined && { prev: state.head }),
    kind: 'cross_tenant_exchange',
    credits: [{ to, amount: Number(amount) }],
    ref: paid,
    exchange: { quote, leg },
    ...(toTenant !== undefined && { toTenant }),
    createdAt: now,
    signatures: [],
  }
  const id = transferId(crypto, account, bare)
  const record = signer ? { ...bare, signatures: [signSpend(signer, id)] } : bare
  const read = readTransfer(crypto, account, encodeRecord(record))
  if (isRefusal(read)) throw new Error(said(read))
  return { record, id }
}

function said({ reason, detail }: Refusal): `${Reason}: ${string}` {
  return `${reason}: ${detail}`
}
