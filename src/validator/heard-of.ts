import type { Timers } from '../clock.ts'
import type { Outbound } from '../outbound/fetch.ts'
import type { Submission } from '../tokens/check-order.ts'
import type { ReadEpoch } from '../tokens/epoch.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { checkedBatches } from '../tokens/seen-signatures.ts'
import type { TokenCrypto } from '../tokens/token-crypto.ts'
import type { Wanted, WantedSource } from './certify-hosted.ts'
import { certifyTransfer } from './certify-transfer.ts'
import { follower } from './left-over.ts'

/** A transfer that was read in a repo of another host. */
export type Heard = Wanted & { readonly rkey: string }

/** How long the sender's wallet or node has to have a transfer certified. */
const OTHERS_HAVE_MS = 10_000
/** Validators hear of a transfer at the same time; who takes it up first spares the others. */
const SPREAD_MS = 20_000

/**
 * Transfers that this validator has only heard of: they stand in repos of other hosts, which it
 * reads by their streams, and nobody has published that they are final. After a while it has them
 * certified itself, so that an account needs neither a wallet that does so nor a host that knows of
 * the ledger. Whoever is granted something by the epoch is read from the first.
 */
export function heardOf(
  parts: {
    readonly crypto: TokenCrypto
    readonly fetch: Outbound
    readonly epoch: () => Pick<ReadEpoch, 'epoch' | 'id'>
    readonly isHosted: (did: string) => Promise<boolean>
    readonly timers: Pick<Timers, 'now' | 'random'>
  },
  from: {
    readonly waiting: (
      epoch: number,
    ) => Promise<readonly { account: string; rkey: string; cid: string }[]>
    /** The transfer in its repo, by the host that has it. */
    readonly prove: (
      account: string,
      rkey: string,
    ) => Promise<Omit<Submission, 'account'> | undefined>
    readonly refused: (of: Heard, why: { reason: string; detail: string }) => Promise<void>
    readonly follow: (account: string) => Promise<void>
  },
): WantedSource<Heard> {
  const { crypto, fetch, epoch, isHosted, timers } = parts
  const checked = checkedBatches()
  const follow = follower(from.follow)
  let times = new Map<string, number>()
  return {
    async list() {
      const { grants, epoch: number } = epoch().epoch
      for (const { to } of grants) if (to !== undefined) follow(to)
      const now = timers.now().getTime()
      const still = new Map<string, number>()
      const due: Heard[] = []
      for (const { account, rkey, cid } of await from.waiting(number)) {
        const at = times.get(cid) ?? now + OTHERS_HAVE_MS + timers.random() * SPREAD_MS
        still.set(cid, at)
        if (at <= now && !(await isHosted(account))) due.push({ account, rkey, name: cid })
      }
      times = still
      return due
    },
    async certify(heard) {
      const { account, rkey } = heard
      const proof = await from.prove(account, rkey)
      if (!proof) return undefined
      const submission = { account, ...proof }
      const driven = await certifyTransfer({ crypto, fetch, checked }, epoch(), submission)
      if (isRefusal(driven) || driven.status === 'failed') await from.refused(heard, driven)
      return driven
    },
  }
}
