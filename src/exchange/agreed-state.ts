import type { Outbound } from '../outbound/fetch.ts'
import type { ReadEpoch } from '../tokens/epoch.ts'
import { faultsBorne } from '../tokens/quorum.ts'
import { askPeer } from '../validator/ask-peer.ts'

/** How an account stands at validators. */
export type AccountState = {
  readonly seq: number
  readonly head?: string
  /** micro-tokens */
  readonly balance: bigint
}

/**
 * How an account stands in an epoch, by more validators than may be faulty, so that one of them is
 * honest; undefined while not so many say the same, or are in another epoch, or draw to its end.
 */
export async function agreedState(
  fetch: Outbound,
  { epoch, id }: Pick<ReadEpoch, 'epoch' | 'id'>,
  account: string,
): Promise<AccountState | undefined> {
  const { validators } = epoch
  const ledger = epoch.ledger ?? id
  const replies = await Promise.all(
    validators.map(({ endpoint }) =>
      askPeer(fetch, endpoint, 'readAccountState', { query: { ledger, account } }),
    ),
  )
  const said = new Map<string, { state: AccountState; by: number }>()
  for (const reply of replies) {
    const state = reply.ok && reply.body['committee'] === id ? stateIn(reply.body) : undefined
    if (!state) continue
    const name = `${state.seq} ${state.head ?? ''} ${state.balance}`
    said.set(name, { state, by: (said.get(name)?.by ?? 0) + 1 })
  }
  const agreed = [...said.values()].toSorted((a, b) => b.by - a.by)[0]
  return agreed && agreed.by > faultsBorne(validators.length) ? agreed.state : undefined
}

function stateIn(body: Readonly<Record<string, unknown>>): AccountState | undefined {
  const { seq, head, balance, phase } = body
  if (phase !== 'open' || !isCount(seq) || !Number.isSafeInteger(balance)) return undefined
  if ((head === undefined) !== (seq === 0) || !(head === undefined || typeof head === 'string'))
    return undefined
  const known = { seq, balance: BigInt(balance as number) }
  return head === undefined ? known : { ...known, head }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
