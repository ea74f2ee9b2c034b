import type { Outbound } from '../outbound/fetch.ts'
import { type ReadEpoch, committeeOf } from '../tokens/epoch.ts'
import { faultsBorne } from '../tokens/quorum.ts'
import { checkShape, cid, fields, int } from '../tokens/shape.ts'
import { askPeer } from './ask-peer.ts'

/** How an account stands by the word of validators, of whom one at least is honest. */
export type AccountWord = {
  /** Number of the last transfer that was applied; 0 before the first. */
  readonly seq: number
  /** Its id. */
  readonly head?: string
  /** micro-tokens */
  readonly balance: number
  /** How many validators say just this, and how many have answered. */
  readonly agree: number
  readonly answered: number
}

const word = fields({ epoch: int(0), seq: int(0), balance: int(-(2 ** 53 - 1)) }, { head: cid })

/** Asks every validator of an epoch how an account stands, and takes the newest state that more of
 *  them tell than may be faulty; undefined where there is none, as while they are about to apply
 *  something. What is final follows from certificates only, never from this. */
export async function readAccountWord(
  fetch: Outbound,
  at: Pick<ReadEpoch, 'epoch' | 'id'>,
  account: string,
): Promise<AccountWord | undefined> {
  const { ledger, epoch } = committeeOf(at)
  const { validators } = at.epoch
  const answers = validators.map(async ({ endpoint }) => {
    const query = { ledger, account }
    const reply = await askPeer(fetch, endpoint, 'readAccountState', { query })
    if (!reply.ok) return []
    const { epoch: said, seq, head, balance } = reply.body as Record<string, unknown>
    const state = { epoch: said, seq, ...(head !== undefined && { head }), balance }
    const isWord = checkShape(word, state, 'state') === undefined && said === epoch
    return isWord ? [state as { seq: number; head?: string; balance: number }] : []
  })
  const said = (await Promise.all(answers)).flat()
  const alike = Map.groupBy(said, ({ seq, head, balance }) => `${seq} ${head} ${balance}`)
  const enough = [...alike.values()].filter((same) => same.length > faultsBorne(validators.length))
  const [newest] = enough.toSorted((a, b) => b[0]!.seq - a[0]!.seq || b.length - a.length)
  if (!newest) return undefined
  const { seq, head, balance } = newest[0]!
  const last = head === undefined ? {} : { head }
  return { seq, ...last, balance, agree: newest.length, answered: said.length }
}
