import type { Backoff } from '../../pacing/backoff.ts'

/** Bounds of following spaces; times in ms. */
export type SyncLimits = {
  /** spaces asked about at once, and of those at one host */
  spaces: number
  spacesPerHost: number
  /** repos fetched at once, and of those at one host */
  repos: number
  reposPerHost: number
  /** the same for repos that somebody waits for, and how long they may take */
  urgent: number
  urgentPerHost: number
  urgentMs: number
  /** repos taken from one list, which may have no end */
  listed: number
  /** operations of one log, and their bytes, that are kept until its commit has come */
  ops: number
  opsBytes: number
  /** records and bytes of a whole repo that are stored at once */
  page: number
  pageBytes: number
  /** ms that a revision may be ahead of our clock */
  revAhead: number
  /** how often a space is asked for changes, all its repos are asked for, and lost access is asked
   *  for again */
  checkEveryMs: number
  sweepEveryMs: number
  askAgainMs: number
  /** shortest time between two questions about a space, whatever is told of it */
  gapMs: number
  /** the first questions after a start are spread over so long */
  startMs: number
  /** waiting times of a space or a repo after failures */
  retry: Backoff
  /** waiting times of all that lives at a host that does not answer */
  rest: Backoff
  /** how often is looked for what has become due */
  lookMs: number
}

/** Bounds for a node of some thousand tenants on a small machine. */
export const SYNC_LIMITS: SyncLimits = {
  spaces: 8,
  spacesPerHost: 2,
  repos: 8,
  reposPerHost: 2,
  urgent: 32,
  urgentPerHost: 4,
  urgentMs: 30_000,
  listed: 50_000,
  ops: 10_000,
  opsBytes: 16_000_000,
  page: 200,
  pageBytes: 4_000_000,
  revAhead: 5 * 60_000,
  checkEveryMs: 3_600_000,
  sweepEveryMs: 24 * 3_600_000,
  askAgainMs: 24 * 3_600_000,
  gapMs: 1_000,
  startMs: 10_000,
  retry: { firstMs: 15_000, maxMs: 6 * 3_600_000 },
  rest: { firstMs: 1_000, maxMs: 300_000 },
  lookMs: 5_000,
}
