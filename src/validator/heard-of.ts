import type { Timers } from '../clock.ts'
import type { WantedSource } from './certify-hosted.ts'
import { follower } from './left-over.ts'
import { type InRepos, type Parts, type Written, certifyWritten } from './wanted-sources.ts'

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
  parts: Parts & { readonly timers: Pick<Timers, 'now' | 'random'> },
  from: InRepos & { readonly follow: (account: string) => Promise<void> },
): WantedSource<Written> {
  const { epoch, isHosted, timers } = parts
  const follow = follower(from.follow)
  let times = new Map<string, number>()
  return {
    async list() {
      const { grants, epoch: number } = epoch().epoch
      for (const { to } of grants) if (to !== undefined) follow(to)
      const now = timers.now().getTime()
      const still = new Map<string, number>()
      const due: Written[] = []
      for (const { account, rkey, cid } of await from.waiting(number)) {
        const at = times.get(cid) ?? now + OTHERS_HAVE_MS + timers.random() * SPREAD_MS
        still.set(cid, at)
        if (at <= now && !(await isHosted(account))) due.push({ account, rkey, name: cid })
      }
      times = still
      return due
    },
    certify: certifyWritten(parts, from),
  }
}
