/** Which speed-ups are on. Every one can be off alone; what another one needs is said here. */
export type Switches = {
  /** Keypairs are kept per account and sign natively. */
  keys: boolean
  /** One writing and one reading database connection per account stay open. */
  handles: boolean
  /** Prepared statements are kept per connection. Needs `handles` or `aux`. */
  statements: boolean
  /** One fdatasync on the thread pool covers all commits that wait, instead of SQLite's own. */
  groupSync: boolean
  /** WAL checkpoints run on a worker thread. */
  checkpoints: boolean
  /** Tree blocks of the last commits are kept per repo. */
  blocks: boolean
  /** The account and sequencer databases get connections with kept statements. */
  aux: boolean
  /** The sequencer's poll wakes when this process has something for it. */
  wake: boolean
  /** The account's root is written with one prepared statement. Needs `aux`. */
  roots: boolean
  /** How many accounts keep connections open. */
  openRepos: number
}

/** What a node runs with: every speed-up. */
export const defaultSwitches: Switches = {
  keys: true,
  handles: true,
  statements: true,
  groupSync: true,
  checkpoints: true,
  blocks: true,
  aux: true,
  wake: true,
  roots: true,
  openRepos: 128,
}
