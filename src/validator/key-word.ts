import type { Outbound } from '../outbound/fetch.ts'
import { type ReadEpoch, committeeOf } from '../tokens/epoch.ts'
import { quorumOf } from '../tokens/quorum.ts'
import { checkShape, didKey, fields, instant } from '../tokens/shape.ts'
import { askPeer } from './ask-peer.ts'

/** What one validator tells of the keys of an account. */
type Told = { readonly deviceKey?: string; readonly heldUntil?: string }

/** How validators take a device key of an account. */
export type KeyWord =
  /** A quorum lets it spend all that is there. */
  | { readonly is: 'free' }
  /** No quorum lets it spend more than a little before this instant. */
  | { readonly is: 'held'; readonly until: string }
  /** Fewer than a quorum have met it, or have answered. */
  | { readonly is: 'unmet'; readonly met: number }

const told = fields({}, { deviceKey: didKey, heldUntil: instant })

/** Asks every validator of an epoch how it takes a device key. It is what each of them says and no
 *  proof: a transfer shows what is so. */
export async function readKeyWord(
  fetch: Outbound,
  at: Pick<ReadEpoch, 'epoch' | 'id'>,
  { account, key, now }: { readonly account: string; readonly key: string; readonly now: string },
): Promise<KeyWord> {
  const { ledger } = committeeOf(at)
  const { validators } = at.epoch
  const asked = validators.map(async ({ endpoint }): Promise<Told[]> => {
    const query = { ledger, account }
    const reply = await askPeer(fetch, endpoint, 'readAccountState', { query })
    if (!reply.ok) return []
    const { deviceKey, heldUntil } = reply.body
    const said = {
      ...(deviceKey !== undefined && { deviceKey }),
      ...(heldUntil !== undefined && { heldUntil }),
    }
    return checkShape(told, said, 'state') === undefined ? [said as Told] : []
  })
  return keyWordOf((await Promise.all(asked)).flat(), key, now, quorumOf(validators.length))
}

/** What so many validators come to that say this of a key. */
export function keyWordOf(
  answers: readonly Told[],
  key: string,
  now: string,
  quorum: number,
): KeyWord {
  const met = answers.filter(({ deviceKey }) => deviceKey === key)
  const until = met.map(({ heldUntil = '' }) => heldUntil).toSorted()[quorum - 1]
  if (until === undefined) return { is: 'unmet', met: met.length }
  return now < until ? { is: 'held', until } : { is: 'free' }
}

/** A sentence for the person whose key it is; `limit` is in tokens, as people read it. */
export function tellKeyWord(word: KeyWord, limit: string, holdHours: number): string {
  switch (word.is) {
    case 'free':
      return 'spends all that is there'
    case 'held':
      return `new to the account: up to ${limit} an epoch until ${word.until}`
    case 'unmet': {
      const most = `up to ${limit} an epoch for ${holdHours} hours from then`
      const first = 'unless it is the first key of the account that they meet'
      return `not met by a quorum (${word.met} have): a first transfer shows it, ${most}, ${first}`
    }
  }
}
