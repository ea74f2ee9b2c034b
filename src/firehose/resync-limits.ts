import { tmpdir } from 'node:os'
import type { Backoff } from '../pacing/backoff.ts'

/** Bounds of fetching; times in ms. */
export type ResyncLimits = {
  /** repos fetched at once, and of those at one PDS */
  repos: number
  perPds: number
  /** events kept for one repo while it is fetched, and their bytes */
  queued: number
  queuedBytes: number
  /** waiting times of a repo after failures */
  retry: Backoff
  /** waiting times of all repos of a PDS that does not answer */
  rest: Backoff
  /** bytes of a repo kept in memory, and the folder of what is larger */
  memoryBytes: number
  folder: string
  /** how often is looked for repos whose waiting time is over */
  lookMs: number
}

/** Bounds for a node of some thousand tenants on a small machine. */
export const RESYNC_LIMITS: ResyncLimits = {
  repos: 8,
  perPds: 2,
  queued: 1_000,
  queuedBytes: 16_000_000,
  retry: { firstMs: 15_000, maxMs: 6 * 3_600_000 },
  rest: { firstMs: 1_000, maxMs: 300_000 },
  memoryBytes: 4_000_000,
  folder: tmpdir(),
  lookMs: 5_000,
}
