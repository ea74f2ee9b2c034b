import { fromBytes, isBytes } from '@atcute/cbor'
import type { Outbound } from '../outbound/fetch.ts'
import type { ValidatorEntry } from '../tokens/epoch.ts'
import { cid, did, fields, int } from '../tokens/shape.ts'
import type { Settled } from '../tokens/state-root.ts'
import { askPeer } from './ask-peer.ts'
import type { SealSource } from './ending.ts'
import { listFrom } from './remote-validator.ts'

/** Most pages of a seal that are read: a million transfers. */
const PAGES_MAX = 1_000

const settled = fields({ account: did, seq: int(1), transfer: cid })

/** Fetches seals and certificates from the validators of an epoch. What cannot be had is undefined;
 *  what comes is checked by the caller. */
export function httpSeals(
  fetch: Outbound,
  ledger: string,
  validators: () => readonly ValidatorEntry[],
): SealSource {
  const entryOf = (validator: string) => validators().find((one) => one.did === validator)
  return {
    async seal(validator, epoch) {
      const peer = entryOf(validator)
      const transfers: Settled[] = []
      let cursor: string | undefined
      for (let page = 0; peer && page < PAGES_MAX; page += 1) {
        const query = { ledger, epoch, cursor }
        const reply = await askPeer(fetch, peer.endpoint, 'readSeal', { query })
        if (!reply.ok) return undefined
        const { seal, transfers: more, cursor: next } = reply.body
        if (!isBytes(seal) || !Array.isArray(more)) return undefined
        if (more.some((one) => settled(one, 'sealed') !== undefined)) return undefined
        transfers.push(...(more as Settled[]))
        if (typeof next !== 'string') return { record: fromBytes(seal), transfers }
        // A page with nothing in it that is not the last never ends.
        if (more.length === 0) return undefined
        cursor = next
      }
      return undefined
    },
    async certificate(validator, { account, seq }) {
      const peer = entryOf(validator)
      if (!peer) return undefined
      const { items } = await listFrom(fetch, peer, { ledger, account, from: seq })
      return items[0]
    },
  }
}
