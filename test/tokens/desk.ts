import { nativeCrypto } from '../../src/crypto/native.ts'
import { type ApplyAnswer, decideCertificate } from '../../src/tokens/apply.ts'
import { assemble } from '../../src/tokens/certificate.ts'
import { encodeRecord } from '../../src/tokens/encoding.ts'
import { type Epoch, type ReadEpoch, readEpoch } from '../../src/tokens/epoch.ts'
import type { Grant } from '../../src/tokens/grants.ts'
import type { CurrentEpoch, LedgerView, Order } from '../../src/tokens/ledger-view.ts'
import { memoryStore } from '../../src/tokens/memory-store.ts'
import type { Person } from '../../src/tokens/pool-rules.ts'
import { isRefusal } from '../../src/tokens/refusal.ts'
import { openEpoch } from '../../src/tokens/settle.ts'
import { type Submitted, decideOrder } from '../../src/tokens/submit.ts'
import type { ReadTransfer, Transfer } from '../../src/tokens/transfer.ts'
import { NOON, type Payer, currentOf, didOf, firstEpoch, orderOf, payer } from './town.ts'

/** The decisions of one validator without its signatures: its answers, and what it keeps. */
export type Desk = {
  readonly genesis: ReadEpoch
  readonly crypto: typeof nativeCrypto
  readonly store: ReturnType<typeof memoryStore>
  current: CurrentEpoch
  now: string
  view(): Promise<LedgerView>
  /** Decides an order and keeps the steps. */
  submit(order: Order): Promise<Submitted>
  /** Applies a transfer as on a certificate that was found good. */
  apply(transfer: ReadTransfer): Promise<ApplyAnswer>
  /** The next signed transfer of somebody. */
  next(from: Payer, more: Partial<Transfer> & Pick<Transfer, 'credits'>): Order
  /** Votes for it and applies it. */
  pay(from: Payer, more: Partial<Transfer> & Pick<Transfer, 'credits'>): Promise<Order>
  /** Sum of all balances, micro-tokens. */
  supply(): bigint
}

/** Opens a desk in a first epoch of one validator. */
export async function openDesk(
  grants: readonly Grant[],
  more: Partial<Epoch> = {},
  persons: readonly Person[] = [],
): Promise<Desk> {
  const validators = [{ did: didOf('validator'), key: payer('validator').signer.didKey }]
  const genesis = readEpoch(nativeCrypto, encodeRecord(firstEpoch(validators, grants, more)))
  if (isRefusal(genesis)) throw new Error(`${genesis.reason}: ${genesis.detail}`)
  const store = memoryStore()
  const known = new Map(persons.map((one) => [one.did, one]))
  const current = { ...currentOf(genesis), persons: known }
  await store.enter(current, openEpoch([], grants))
  const desk: Desk = {
    genesis,
    crypto: nativeCrypto,
    store,
    current,
    now: NOON,
    async view() {
      const base = await store.load({ accounts: [], numbers: [], mints: [] })
      return { ...base, current: desk.current }
    },
    async submit(order) {
      const { changes, answer } = decideOrder(nativeCrypto, await desk.view(), order, desk.now)
      await store.commit(changes)
      return answer
    },
    async apply(transfer) {
      const proven = { transfer, certificate: lockOf(desk, transfer), senderKey: 'did:key:zQ3' }
      const { changes, answer } = decideCertificate(await desk.view(), proven, desk.now)
      await store.commit(changes)
      return answer
    },
    next(from, content) {
      const { seq = 0, head } = store.accounts.get(from.did) ?? {}
      const place = { epoch: desk.current.epoch.epoch, seq: seq + 1, ...(head && { prev: head }) }
      return orderOf(desk, from, { ...place, ...content })
    },
    async pay(from, content) {
      const order = desk.next(from, content)
      for (const answer of [await desk.submit(order), await desk.apply(order)]) {
        if (isRefusal(answer)) throw new Error(`${answer.reason}: ${answer.detail}`)
      }
      return order
    },
    supply: () => [...store.accounts.values()].reduce((all, { balance }) => all + balance, 0n),
  }
  return desk
}

/** A certificate of locks of that transfer, without signatures. */
export function lockOf(
  { current }: Pick<Desk, 'current'>,
  { account, id, transfer }: ReadTransfer,
) {
  const { ledger, epoch, id: committee } = current.committee
  const { seq, prev } = transfer
  const before = prev === undefined ? {} : { prev }
  const about = { phase: 'lock', ledger, epoch, committee, account, seq, transfer: id } as const
  return assemble({ ...about, ...before }, [])
}
