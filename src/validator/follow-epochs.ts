import { fromBytes, isBytes } from '@atcute/cbor'
import type { Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Outbound } from '../outbound/fetch.ts'
import type { ReadEpoch, ValidatorEntry } from '../tokens/epoch.ts'
import { askPeer } from './ask-peer.ts'
import type { KnownEpochs } from './known-epochs.ts'

type Parts = {
  readonly epochs: KnownEpochs
  /** Canonical records of epochs that this node has come by in other ways, from a number on. */
  readonly own: (from: number) => Promise<readonly Uint8Array[]>
  /** Stores what was not known before. */
  readonly keep: (found: readonly ReadEpoch[]) => Promise<void>
  readonly fetch: Outbound
  /** The key of this node, which is not asked itself. */
  readonly key: string
  /** What else is to be done in each round. */
  readonly afterwards: () => Promise<void>
  readonly timers: Timers
  readonly log: Log
}

const EVERY_MS = 2_000
/** Validators are asked in every so many-th round only. */
const ASKED_EVERY = 5
/** So many at once: with up to seven validators one of them is honest. */
const ASKED = 3
/** Epochs of one answer; as many of the largest still fit into one. */
const PAGE = 16
/** Answers of one round that have brought something. */
const PAGES_MAX = 100

/** Keeps the epochs of a ledger known, until `signal`: from what this node itself has read, and
 *  from the validators of the newest epoch it knows, a few of them at a time, each in its turn. */
export async function followEpochs(parts: Parts, signal: AbortSignal): Promise<void> {
  const { timers, log, afterwards } = parts
  let turn = 0
  for (let round = 0; !signal.aborted; round += 1) {
    try {
      await takeOwn(parts)
      for (let page = 0; round % ASKED_EVERY === 0 && page < PAGES_MAX; page += 1) {
        const found = await takeFromPeers(parts, turn)
        turn += ASKED
        if (!found || signal.aborted) break
      }
      await afterwards()
    } catch (err) {
      log.warn({ err }, 'the epochs of the ledger could not be followed')
    }
    await timers.sleep(EVERY_MS, signal)
  }
}

/** Takes what this node has come by in other ways. */
export async function takeOwn({
  epochs,
  own,
  keep,
}: Pick<Parts, 'epochs' | 'own' | 'keep'>): Promise<void> {
  const found = epochs.take(await own(epochs.chain.length))
  if (found.length > 0) await keep(found)
}

/** Asks the validators whose turn it is; answers whether one has told something new. */
async function takeFromPeers(parts: Parts, turn: number): Promise<boolean> {
  const { epochs, key, keep } = parts
  const all = epochs.current().epoch.validators.filter((one) => one.key !== key)
  const asked = Array.from({ length: Math.min(ASKED, all.length) }, (_, n) => {
    return all[(turn + n) % all.length]!
  })
  const answers = await Promise.all(asked.map((peer) => epochsOf(parts, peer)))
  const found = answers.flatMap((records) => epochs.take(records))
  if (found.length > 0) await keep(found)
  return found.length > 0
}

async function epochsOf(
  { fetch, epochs }: Parts,
  { endpoint }: ValidatorEntry,
): Promise<Uint8Array[]> {
  const cursor = String(epochs.chain.length)
  const query = { ledger: epochs.chain[0]!.id, cursor, limit: PAGE }
  const reply = await askPeer(fetch, endpoint, 'readEpochs', { query })
  if (!reply.ok || !Array.isArray(reply.body['items'])) return []
  const items: unknown[] = reply.body['items'].slice(0, PAGE)
  return items.flatMap((one) => (isBytes(one) ? [fromBytes(one)] : []))
}
