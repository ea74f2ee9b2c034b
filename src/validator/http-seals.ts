import { type Bytes, fromBytes } from '@atcute/cbor'
import { reviveBytes } from '../tokens/json-bytes.ts'
import type { Settled } from '../tokens/state-root.ts'
import type { ValidatorEntry } from '../tokens/epoch.ts'
import type { SealSource } from './ending.ts'
import { type PeerFetch, listFrom } from './remote-validator.ts'

/** Most transfers under a seal that are read. */
const SEALED_MAX = 1_000_000

/** Fetches seals and certificates from the validators of an epoch. What cannot be had is undefined;
 *  what comes is checked by the caller. */
export function httpSeals(
  fetch: PeerFetch,
  ledger: string,
  validators: () => readonly ValidatorEntry[],
): SealSource {
  const endpointOf = (did: string) => validators().find((one) => one.did === did)
  return {
    async seal(validator, epoch) {
      const peer = endpointOf(validator)
      if (!peer) return undefined
      const transfers: Settled[] = []
      let cursor: string | undefined
      let record: Uint8Array
      do {
        const page = await readPage(fetch, peer.endpoint, { ledger, epoch, cursor })
        if (!page) return undefined
        record = fromBytes(page.seal)
        transfers.push(...page.transfers)
        cursor = page.cursor
      } while (cursor !== undefined && transfers.length < SEALED_MAX)
      return { record, transfers }
    },
    async certificate(validator, { account, seq }) {
      const peer = endpointOf(validator)
      if (!peer) return undefined
      const { items } = await listFrom(fetch, peer, { ledger, account, from: seq })
      return items[0]
    },
  }
}

type Page = { readonly seal: Bytes; readonly transfers: Settled[]; readonly cursor?: string }

async function readPage(
  fetch: PeerFetch,
  endpoint: string,
  of: { ledger: string; epoch: number; cursor: string | undefined },
): Promise<Page | undefined> {
  const query = new URLSearchParams({ ledger: of.ledger, epoch: String(of.epoch) })
  if (of.cursor !== undefined) query.set('cursor', of.cursor)
  try {
    const url = `${endpoint}/xrpc/co.kendev.tokens.readSeal?${query.toString()}`
    const response = await fetch(url, { method: 'GET' })
    return response.ok ? (reviveBytes(await response.json()) as Page) : undefined
  } catch {
    return undefined
  }
}
