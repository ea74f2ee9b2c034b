import type { Outbound } from '../outbound/fetch.ts'
import { type Handover, type ReadEpoch, committeeOf } from '../tokens/epoch.ts'
import { faultsBorne } from '../tokens/quorum.ts'
import { bytes, checkShape, fields, int } from '../tokens/shape.ts'
import { askPeer } from './ask-peer.ts'

/** Most sets of seals that are tried: all of them for up to ten validators. */
const SETS_MAX = 120

const conclusion = fields({
  stateRoot: bytes(32),
  settledRoot: bytes(32),
  settledCount: int(0),
  supply: int(0),
  burned: int(0),
})

type Conclusion = Omit<Handover, 'seals'>

/**
 * Finds a quorum of seals on what comes of which more validators agree than may be faulty, so that
 * one of them is honest. A validator whose seal names what is not to be had, or that says something
 * else than the others, is left out or outvoted. Throws when no such quorum is found.
 */
export async function agreeOnSeals(
  fetch: Outbound,
  before: ReadEpoch,
  seals: Handover['seals'],
): Promise<Handover> {
  const { quorum, keys, ledger } = committeeOf(before)
  const said = new Set<string>()
  let tried = 0
  for (const some of setsOf(seals, quorum)) {
    if ((tried += 1) > SETS_MAX) break
    const votes = new Map<string, { votes: number; of: Conclusion }>()
    const ask = async ({ did, endpoint }: { did: string; endpoint: string }) => {
      const body = { ledger, seals: some }
      const reply = await askPeer(fetch, endpoint, 'concludeEpoch', { body })
      if (!reply.ok) said.add(`${did}: ${reply.error} ${reply.message}`)
      else if (checkShape(conclusion, reply.body, 'conclusion')) said.add(`${did}: no conclusion`)
      else note(votes, reply.body as unknown as Conclusion)
    }
    await Promise.all(before.epoch.validators.map(ask))
    const agreed = [...votes.values()].find((one) => one.votes > faultsBorne(keys.size))
    if (agreed) return { seals: some, ...agreed.of }
  }
  throw new Error(`validators do not agree on what the epoch comes to: ${[...said].join('; ')}`)
}

function note(votes: Map<string, { votes: number; of: Conclusion }>, of: Conclusion): void {
  const { stateRoot, settledRoot, settledCount, supply, burned } = of
  const parts = [stateRoot.$bytes, settledRoot.$bytes, settledCount, supply, burned]
  const vote = votes.get(parts.join(' '))
  if (vote) vote.votes += 1
  else votes.set(parts.join(' '), { votes: 1, of })
}

/** All sets of `size` entries, those with the first entries first. */
export function* setsOf<T>(entries: readonly T[], size: number): Generator<T[]> {
  if (size === 0) {
    yield []
    return
  }
  for (const [index, first] of entries.entries()) {
    for (const rest of setsOf(entries.slice(index + 1), size - 1)) yield [first, ...rest]
  }
}
